"""Who is champion of an archive, found without looking at everybody."""

from collections.abc import Iterator

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.errors import ArchiveError
from speciate.records import Individual


def leader(archive: Archive) -> Row | None:
    """The one that the report names, or the fittest so far on the search splits; None at first.

    Whoever keeps to the constraints comes before all who break one; ties go to the lower id.
    """
    index = archive.index
    if archive.report is not None:
        return index.row(str(archive.report["champion"]))
    return next((index.row(id_) for id_ in contenders(archive)), None)


def contenders(archive: Archive) -> Iterator[str]:
    """Ids of all who keep to the constraints, from the fittest, ties by id.

    If nobody does, the one who breaks them the least.
    """
    ids = archive.index.fittest(archive.individuals.count)
    if not archive.config.get("constraints"):
        yield from ids
        return
    from speciate.goals import goals_of  # Late: it takes a tenth of a second.

    goals, known, excess = goals_of(archive.config), archive.individuals, dict[str, float]()
    for id_ in ids:
        excess[id_] = goals.excess(known[id_], known)
        if not excess[id_]:
            yield id_
    if excess and min(excess.values()):
        yield min(excess, key=excess.__getitem__)


def champion_of(archive: Archive) -> Individual:
    """The same with its recipe and scores.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    found = leader(archive)
    if found is None:
        raise ArchiveError("nobody has been scored yet; look again after the first step")
    return archive.individual(found.id)
