"""Who is the champion of a campaign, without reading everybody."""

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.broken import broken


def leader(archive: Archive) -> Row | None:
    """The one that the report names, or the fittest so far on the search splits; None at first.

    Whoever keeps to the constraints comes before all who break one; ties go to the lower id.
    """
    index = archive.index
    if archive.report is not None:
        return index.row(str(archive.report["champion"]))
    order = "fitness DESC, id"
    if not archive.config.get("constraints"):
        return next(iter(index.rows("fitness IS NOT NULL", order=order, limit=1)), None)
    scored = index.rows("fitness IS NOT NULL", order=order)
    worst: dict[str, float] = {}
    for row in scored:
        worst[row.id] = sum(one.amount for one in broken(archive, [row.id])[row.id])
        if not worst[row.id]:
            return row
    return min(scored, key=lambda row: worst[row.id], default=None)
