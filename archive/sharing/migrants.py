"""Individuals that travel from island to island, each with its ancestors as the commits it has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from speciate.archive.archive import Archive
from speciate.archive.individuals import Kept, read_individuals
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION
from speciate.archive.repository import Hasher, Repository
from speciate.archive.sharing.limits import Limits
from speciate.archive.sharing.rewriting import WRONG, check_individual, whole
from speciate.archive.sharing.wire import wire
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual

_ISLANDS = "refs/islands/"
_PLACE = re.compile(r"0|[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Migrant:
    """Somebody from another island.

    Attributes:
        island: Where from.
        line: Its ancestors, parents first, and itself; recipes and digests are claims.
    """

    island: str
    line: tuple[Individual, ...]

    @property
    def id(self) -> str:
        """Its own."""
        return self.line[-1].id


def publish(archive: Archive, remote: str, island: str, ids: Sequence[str]) -> None:
    """Puts individuals with their ancestors where other islands look, instead of earlier ones.

    Raises:
        ArchiveError: The remote cannot be used.
    """
    refs = {f"refs/out/{place}": archive.commit_of(id_) for place, id_ in enumerate(ids)}
    with wire(remote, archive.folder / ".git") as sender:
        sender.name(refs)
        sender.push([f"+refs/out/*:{_ISLANDS}{island}/*"], "--prune")


def receive(remote: str, island: str, limits: Limits | None = None) -> list[Migrant]:
    """Who came from an island, in the order in which they were sent.

    All is checked that can be told without models: that they are as speciate writes individuals,
    and descend from those that their recipes name. Nothing is kept here.

    Raises:
        ArchiveError: The remote cannot be used.
        DamageError: Something is not as speciate writes it.
    """
    folder = f"{_ISLANDS}{island}/"
    with wire(remote, limits=limits) as receiver:
        receiver.fetch([f"{folder}*:{folder}*"])
        tips = {ref.removeprefix(folder): tip for ref, tip in receiver.all.refs(folder).items()}
        if wrong := [place for place in tips if not _PLACE.fullmatch(place)]:
            raise ArchiveError(f"{remote}: {folder}{wrong[0]} is no place of a migrant")
        ordered = [tips[place] for place in sorted(tips, key=int)]
        try:
            return [Migrant(island, line) for line in _lines(receiver.all, ordered)]
        except WRONG as error:
            raise DamageError(f"{remote}: holds what cannot be written: {error}") from error


def _lines(repository: Repository, tips: Sequence[str]) -> list[tuple[Individual, ...]]:
    """Per tip the individuals of it and all before it, parents first."""
    found: dict[str, Individual] = {}
    known: dict[str, Kept] = {}
    hasher = Hasher(repository.folder)
    for read in read_individuals(repository, repository.before(tips)):
        birth, one = whole(read)
        known[one.id] = check_individual(hasher, birth, one, known)
        found[birth.hash] = one
    if odd := [tip for tip in tips if tip not in found]:
        raise DamageError(f"{odd[0][:ABBREVIATION]} is no individual's commit; {FETCH}")
    return [tuple(found[commit] for commit in repository.before([tip])) for tip in tips]
