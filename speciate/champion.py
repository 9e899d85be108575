"""Who is champion of an archive, found without looking at everybody."""

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
    ids = index.fittest(archive.individuals.count)
    if not archive.config.get("constraints"):
        return next((index.row(id_) for id_ in ids), None)
    from speciate.goals import goals_of  # Late: it takes a tenth of a second.

    goals, known, excess = goals_of(archive.config), archive.individuals, dict[str, float]()
    for id_ in ids:
        excess[id_] = goals.excess(known[id_], known)
        if not excess[id_]:
            return index.row(id_)
    return index.row(min(excess, key=excess.__getitem__)) if excess else None


def champion_of(archive: Archive) -> Individual:
    """The same with its recipe and scores.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    found = leader(archive)
    if found is None:
        raise ArchiveError("nobody has been scored yet; look again after the first step")
    return archive.individual(found.id)
