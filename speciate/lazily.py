"""Individuals of an archive that are read when they are asked for, and not all at once."""

from collections.abc import Iterator, Mapping

from speciate.archive.archive import Archive
from speciate.errors import ArchiveError
from speciate.records import FOUNDER, Individual


class Lazily(Mapping[str, Individual]):
    """Everyone in an archive by id, in order of birth, as the archive was when first asked."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._found: dict[str, Individual] = {}

    def __getitem__(self, id_: str) -> Individual:
        if id_ not in self._found:
            try:
                self._found[id_] = self._archive.individual(id_)
            except ArchiveError as error:
                raise KeyError(id_) from error
        return self._found[id_]

    def __iter__(self) -> Iterator[str]:
        return (row.id for row in self._archive.index.rows())

    def __len__(self) -> int:
        return self._archive.index.count()


def named(archive: Archive, text: str) -> str:
    """The id of an individual that people name: a founder's name, or how an id or commit begins.

    Raises:
        ArchiveError: No individual is meant, or several.
    """
    founders = archive.index.rows("operator = ? AND name = ?", [FOUNDER, text], limit=1)
    return founders[0].id if founders else archive.resolve(text)


def founder_ids(archive: Archive) -> dict[str, str]:
    """Ids of the founders by their names, in order of birth."""
    rows = archive.index.rows("operator = ?", [FOUNDER])
    return {str(row.name): row.id for row in rows}
