"""Names for shells to complete, from an index as it lies there.

It is neither made nor brought up to date, and no git is asked: nobody waits for a key.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speciate.archive.index.rows import COLUMNS

_FILE = "index.sqlite"
_MOST = 50
_TOLD = "id, operator, step, fitness, name"
Told = tuple[str, str, int, float | None, str | None]
"""Id, operator, step, fitness and founder's name of an individual."""


class Peek:
    """A look into the index of one archive; made by `peek`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begun_by(self, prefix: str) -> list[Told]:
        """Founders by name, and others by id, latest first; of all who fit, some."""
        founders = f"SELECT {_TOLD} FROM individuals WHERE name IS NOT NULL ORDER BY number"
        found = [row for row in self._all(founders) if row[4].startswith(prefix)]
        if prefix:
            text = f"SELECT {_TOLD} FROM individuals WHERE id >= ? AND id < ?"
            rows = self._all(f"{text} ORDER BY number DESC LIMIT {_MOST}", prefix, f"{prefix}g")
        else:
            text = f"SELECT {_TOLD} FROM individuals JOIN living USING (number) ORDER BY place"
            rows = self._all(f"{text} LIMIT {_MOST}")
        return found + [row for row in rows if row not in found]

    def values(self, column: str) -> list[str]:
        """What individuals have in one of `COLUMNS`."""
        text = f"SELECT DISTINCT {column} FROM individuals WHERE {column} IS NOT NULL ORDER BY 1"
        return [value for (value,) in self._all(text)]

    def tasks(self) -> list[str]:
        """All that anybody has a score on."""
        return [task for (task,) in self._all("SELECT DISTINCT task FROM scores ORDER BY task")]

    def columns(self) -> list[str]:
        """All that individuals can be asked for."""
        return [*COLUMNS, "living", *self.tasks()]

    def _all(self, text: str, *values: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(text, values).fetchall()


def is_indexed(folder: str | Path | None) -> bool:
    """Whether there is an index to look into."""
    return folder is not None and (Path(folder) / _FILE).is_file()


@contextmanager
def peek(folder: Path) -> Iterator[Peek]:
    """A look into the index of an archive.

    Raises:
        sqlite3.Error: There is none that can be read.
    """
    place = f"{(folder / _FILE).absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(place, uri=True, timeout=0.1)
    try:
        yield Peek(connection)
    finally:
        connection.close()
