"""What may go of a campaign's folder: weights, scores of nobody, leftovers, unpacked objects."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from speciate.archive.archive import Archive
from speciate.archive.index.index import batched
from speciate.archive.lock import CampaignLock
from speciate.archive.repository import Repository
from speciate.goals import goals_of
from speciate.health.leftovers import leftovers, sweep
from speciate.health.site import Site
from speciate.lineage import champion
from speciate.records import FOUNDER, digest_of

Policy = Literal["all", "living", "champions", "none"]
"""Whose weights stay."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Waste:
    """Things of one kind that may go.

    Attributes:
        what: They are.
        count: How many.
        bytes: On disk.
        remove: Does it.
    """

    what: str
    count: int
    bytes: int
    remove: Callable[[], object]


def tidy(archive: Archive, keep: Policy | None, dry_run: bool) -> list[Waste]:
    """Removes what neither the policy nor a campaign that is to go on needs.

    Args:
        archive: Open for reading; its lock is taken meanwhile, unless it is a dry run.
        keep: Whose weights stay; what the campaign says if not given.
        dry_run: Remove nothing.

    Returns:
        What was removed, or would be.

    Raises:
        ArchiveError: Another process runs the campaign.
    """
    if dry_run:
        return waste(archive, keep, mine=False)
    held = CampaignLock.take(archive.folder)
    try:
        archive.refresh()
        found = waste(archive, keep, mine=True)
        for one in found:
            one.remove()
        return found
    finally:
        held.release()


def waste(archive: Archive, keep: Policy | None, mine: bool) -> list[Waste]:
    """All that may go; things of no kind are left out."""
    policy = keep or str(archive.config["store"]["keep"])
    store = archive.weights
    digests = sorted(store.digests() - kept_digests(archive, policy))
    folders = [store.folder / digest for digest in digests]
    scores = list(_scores_of_nobody(archive))
    left = leftovers(Site(archive.folder, archive, mine))
    repository = Repository(archive.folder / ".git")
    scattered = repository.scattered()
    found = [
        Waste("models", len(folders), size_of(folders), lambda: store.drop(digests)),
        Waste("scores of nobody", len(scores), size_of(scores), lambda: _delete(scores)),
        Waste("leftovers", len(left), size_of(left), lambda: _delete(left)),
        Waste("files of git to join", len(scattered), size_of(scattered), repository.pack),
    ]
    return [one for one in found if one.count]


def kept_digests(archive: Archive, policy: str) -> set[str]:
    """Digests of the weights that stay.

    Of those to be kept who are not stored themselves, the ancestors are kept that they can be
    made of at once.
    """
    if policy == "all":
        return {str(row.digest) for row in archive.index.rows("digest IS NOT NULL")}
    kept, seen = set(), set()
    stack = [*_kept_names(archive, policy), *_parents_of_pending(archive)]
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        row = archive.index.row(name)
        if row.digest is not None and archive.weights.path(row.digest):
            kept.add(row.digest)
        elif row.operator != FOUNDER:
            stack += [parent.id for parent in row.parents]
    return kept


def _kept_names(archive: Archive, policy: str) -> Sequence[str]:
    state = archive.state
    if policy == "none" or state is None:
        return []
    if policy == "living":
        return [*state.members, *state.references]
    if archive.report is not None:
        return [str(archive.report["champion"])]
    goals = goals_of(archive.config)
    if goals.constraints:
        return [champion(archive.individuals, goals).id]
    best = archive.index.rows("fitness IS NOT NULL", order="fitness DESC, id", limit=1)
    return [row.id for row in best]


def _parents_of_pending(archive: Archive) -> list[str]:
    """Those who are bred from when the campaign goes on."""
    pending = archive.state.pending if archive.state and archive.report is None else ()
    names = {parent.id for proposal in pending for parent in proposal.recipe.parents}
    own = {proposal.recipe.id for proposal in pending}
    return sorted(names - own)


def _scores_of_nobody(archive: Archive) -> Iterator[Path]:
    """Files of the cache that belong to no recorded individual.

    None before the campaign has ended, since those who were scored last are not recorded yet; and
    none of adapters, whose scores go by all that shared a batch.
    """
    folder = archive.folder / "evaluations"
    if archive.report is None or archive.config["engine"].get("adapters") or not folder.is_dir():
        return
    splits = {digest for part in archive.config["digests"].values() for digest in part.values()}
    known = {f"{key}.json" for key in _keys(archive, splits)}
    yield from (file for file in sorted(folder.glob("??/*.json")) if file.name not in known)


def _keys(archive: Archive, splits: Collection[str]) -> Iterator[str]:
    """Names of the scores of everybody, on each split and by each engine that scored anybody."""
    digests, fingerprints = set(), set()
    for few in batched([row.id for row in archive.index.rows("digest IS NOT NULL")], _AT_ONCE):
        for one in archive.individuals.several(few):
            digests.add(one.digest)
            if one.evaluation:
                fingerprints.add(one.evaluation.fingerprint)
    for digest in digests:
        for split in splits:
            yield from (digest_of([digest, split, engine]) for engine in fingerprints)


def size_of(paths: Sequence[Path]) -> int:
    """Bytes of files, and of all files in folders."""
    files = (file for path in paths for file in (path, *path.rglob("*")) if not file.is_dir())
    return sum(file.lstat().st_size for file in files)


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        sweep(path)
