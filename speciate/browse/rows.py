"""Rows of the index that are in sight, read by blocks and kept for a while."""

from collections.abc import Sequence

from speciate.archive.index.rows import Row
from speciate.browse.source import Source

_BLOCK = 64
_MOST = 4096


class Rows:
    """Individuals by number."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: dict[int, Row] = {}

    def forget(self) -> None:
        """What is kept may no longer be so: individuals get children."""
        self._kept.clear()

    def get(self, numbers: Sequence[int], place: int) -> Row:
        """The row of `numbers[place]`; those around it are likely to be wanted next.

        Raises:
            SpeciateError: The archive cannot be read; also OSError and sqlite3.Error.
        """
        number = numbers[place]
        if number not in self._kept:
            if len(self._kept) > _MOST:
                self._kept.clear()
            start = place - place % _BLOCK
            wanted = {n: None for n in numbers[start : start + _BLOCK] if n not in self._kept}
            with self._source.reading() as archive:
                found = archive.index.at(list(wanted))
            self._kept.update(zip(wanted, found, strict=True))
        return self._kept[number]
