"""Whom people mean by a name."""

from speciate.archive.archive import Archive
from speciate.records import FOUNDER


def named(archive: Archive, text: str) -> str:
    """The id of an individual: by a founder's name, or by how an id or a commit begins.

    Raises:
        ArchiveError: No individual is meant, or several.
    """
    return founder_ids(archive).get(text) or archive.resolve(text)


def founder_ids(archive: Archive) -> dict[str, str]:
    """Ids of the founders by their names, in order of birth."""
    rows = archive.index.rows("operator = ?", [FOUNDER])
    return {str(row.name): row.id for row in rows}
