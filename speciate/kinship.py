"""Kinship of individuals, from weights that are stored or rebuilt."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.archive.borrowing import BorrowingStore
from speciate.configs import schema
from speciate.errors import ArchiveError
from speciate.kinship_cache import read_kinship, write_kinship
from speciate.naming import founder_ids
from speciate.nursery import Nursery, nursery_of
from speciate.population.adapters import Adapter
from speciate.population.folders import weights_in
from speciate.population.founders import Founder
from speciate.population.kinship import Kin, Kinship
from speciate.population.kinship.adapters import moments_of_adapters
from speciate.population.kinship.models import moments_of_models
from speciate.population.kinship.moments import whole
from speciate.population.weights import Checkpoint
from speciate.records import Individual
from speciate.scratch import scratch_folder
from speciate.words import SHORT, label

Known = Mapping[str, Individual]
FolderOf = Callable[[str], Path]


def kinship(
    archive: Archive, ids: Sequence[str] = (), by_part: bool = False, jobs: int | None = None
) -> Kinship:
    """Kinship of individuals of an archive; all weights are read once, unless it is known already.

    What is not stored is rebuilt beside the archive, and taken away again.

    Args:
        archive: Open; only what is remembered of kinship is changed in its folder.
        ids: Whom to compare; the living and the founders if none, which is remembered.
        by_part: Whether kinship by blocks and kinds of modules is asked for too.
        jobs: Threads; one a core if not given.

    Raises:
        ArchiveError: One failed and has no weights, or is the base itself; or there is only one.
        DamageError: Rebuilt weights are not those that were recorded.
        ModelError: Weights became unreadable.
    """
    known = archive.individuals
    origins = origin_ids(archive.config, founder_ids(archive))
    names = list(dict.fromkeys(ids)) or whom_to_compare(archive)
    if len(names) < 2:
        raise ArchiveError("kinship is between two individuals or more; give others, or none")
    for name in names:
        _check(name, known, origins)
    found = None if by_part else read_kinship(archive.folder)
    if found and set(names) <= set(found.ids):
        return Kinship(tuple(names), found.moments.of([found.ids.index(name) for name in names]))
    with scratch_folder(archive.folder, "kinship") as scratch:
        store = BorrowingStore(scratch, archive.weights)
        nursery = nursery_of(archive, store)
        where: FolderOf = lambda name: nursery.folder(name, known)  # noqa: E731
        made = measured(names, known, origins, where, by_part, jobs)
    if not ids:
        write_kinship(archive.folder, made)
    return made


def relatives(archive: Archive, config: schema.Campaign, founders: Sequence[Founder]) -> Kin:
    """What tells a strategy of a running campaign how akin individuals are.

    Always by their weights, and never by what is remembered of others: with the same individuals
    in the same order the numbers are the same to the last bit.
    """
    paths = {founder.recipe.id: founder.path for founder in founders}
    nursery = Nursery(paths, archive.weights, config.store)
    origins = origin_ids(archive.config, {one.name: one.recipe.id for one in founders})

    def kin(names: Sequence[str], known: Known) -> Kinship:
        found = measured(names, known, origins, lambda name: nursery.folder(name, known))
        write_kinship(archive.folder, found)
        return found

    return kin


def measured(
    ids: Sequence[str],
    known: Known,
    origins: Sequence[str],
    folder: FolderOf,
    by_part: bool = False,
    jobs: int | None = None,
) -> Kinship:
    """Kinship by weights; those of one digest are read once.

    Args:
        ids: Whom to compare.
        known: These and the origins.
        origins: Whose mean task vectors start from; of no account to adapters.
        folder: Where the weights of an individual are.
        by_part: Whether parts are kept apart.
        jobs: Threads; one a core if not given.
    """
    owners = {str(known[name].digest): name for name in ids}
    models = [weights_in(folder(name)) for name in owners.values()]
    adapters = [one for one in models if isinstance(one, Adapter)]
    if adapters:
        parts = moments_of_adapters(adapters, jobs, by_part)
    else:
        checkpoints = [one for one in models if isinstance(one, Checkpoint)]
        starts = [Checkpoint(folder(name)) for name in origins]
        parts = moments_of_models(checkpoints, starts, jobs, by_part)
    places = [list(owners).index(str(known[name].digest)) for name in ids]
    of_all = {part: one.of(places) for part, one in parts.items()}
    return Kinship(tuple(ids), whole(of_all), of_all if by_part else {})


def origin_ids(config: Mapping[str, Any], founders: Mapping[str, str]) -> list[str]:
    """The base; or all founders, where a campaign has none.

    Args:
        config: As archived.
        founders: Ids by name.
    """
    base = config["founders"]["base"]
    return [founders[base]] if base else list(founders.values())


def whom_to_compare(archive: Archive) -> list[str]:
    """The living, then the founders, without the base: all task vectors start from it."""
    living = [row.id for row in archive.index.living()]
    founders = founder_ids(archive)
    base = archive.config["founders"]["base"]
    return [
        name for name in dict.fromkeys([*living, *founders.values()]) if name != founders.get(base)
    ]


def _check(name: str, known: Known, origins: Sequence[str]) -> None:
    one = known[name]
    if one.digest is None:
        raise ArchiveError(f"{name[:SHORT]} failed and has no weights; leave it out")
    if [name] == list(origins):
        raise ArchiveError(
            f"{label(name, known)} is the base, from which kinship is measured; leave it out"
        )
