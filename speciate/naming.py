"""Founders by their names."""

from speciate.archive.archive import Archive
from speciate.records import FOUNDER


def founder_ids(archive: Archive) -> dict[str, str]:
    """Ids of the founders by their names, in order of birth."""
    rows = archive.index.rows("operator = ?", [FOUNDER])
    return {str(row.name): row.id for row in rows}
