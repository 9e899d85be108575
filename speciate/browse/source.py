"""The archive behind the terminal UI: one, that several threads read in turn."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TypeAlias

from speciate.archive.archive import Archive
from speciate.errors import ArchiveError, SpeciateError

TROUBLE = (SpeciateError, OSError, sqlite3.Error)
"""What reading an archive may raise: it is told in one line, and looked at again later."""

Mark: TypeAlias = tuple[tuple[int, int, int] | None, ...]
"""Changes whenever main moves."""

_REFS = ("refs/heads/main", "packed-refs")


class Source:
    """An archive as it was last read without trouble; where there was some, it is opened again."""

    def __init__(self, archive: Archive) -> None:
        self.folder = archive.folder
        self._archive = archive
        self._troubled = False
        self._lock = RLock()

    @contextmanager
    def reading(self) -> Iterator[Archive]:
        """The archive as it was last refreshed, for one thread; hold it briefly."""
        with self._lock:
            yield self._archive

    def refresh(self) -> None:
        """Take in what was recorded since.

        Raises:
            ArchiveError: The folder is gone, or holds no archive.
            DamageError: What was recorded cannot be read.
        """
        with self._lock:
            troubled, self._troubled = self._troubled, True
            if troubled:
                self._archive = Archive.open(self.folder)
            else:
                self._archive.refresh()
            self._troubled = False

    def mark(self) -> Mark:
        """To be compared with an earlier one; costs a look at two files.

        Raises:
            ArchiveError: The folder is gone.
        """
        if not (self.folder / ".git").is_dir():
            raise ArchiveError(f"{self.folder} is gone; put it back, or quit with q")
        return tuple(_stamp(self.folder / ".git" / name) for name in _REFS)


def one_line(error: Exception) -> str:
    """What is said of trouble."""
    return " ".join(str(error).split()) or type(error).__name__


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
