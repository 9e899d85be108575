"""The index of an archive: a SQLite file beside the repository, and derived from it.

Whoever opens it brings it up to date: the campaign after each step, a reader when the file lags
behind main. It is moved on by whole steps, so nobody sees half of one.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from speciate.archive.index.rows import COLUMNS, Kin, Row
from speciate.archive.index.tables import TABLES, VERSION
from speciate.archive.index.update import extend
from speciate.archive.repository import Repository
from speciate.archive.steps import Step
from speciate.errors import ArchiveError

FILE = "index.sqlite"
_T = TypeVar("_T")
_PATIENCE = 60.0  # seconds to wait for another process that brings the index up to date
_AT_ONCE = 256  # steps that one transaction takes in
_FEW = 500  # numbers that one question may list


class Index:
    """What is recorded up to `head`, to be asked.

    It may be ahead of an `Archive` that was opened earlier, and never behind.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, folder: Path, repository: Repository, head: str) -> Self:
        """The index of the archive in `folder`, up to date with `head`, a commit of its main.

        Where the folder cannot be written, the index is made in memory.

        Raises:
            DamageError: Something recorded is not what it was.
        """
        index = cls(_connect(folder / FILE) or _prepared(None))
        index.update(repository, head)
        return index

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def head(self) -> str | None:
        """The commit of main up to which all is known."""
        return self._fact("head")

    def update(self, repository: Repository, head: str) -> None:
        """Read on up to `head`, unless it is known; start anew if main was rewritten.

        Raises:
            DamageError: Something recorded is not what it was.
        """
        if self._has(head):
            return
        if self.head is not None and not repository.descends(head, self.head):
            _clear(self._connection)
        while not self._has(head):
            since = self.head
            for lines in batched(repository.steps(head, since), _AT_ONCE):
                if not extend(self._connection, repository, lines, since):
                    break
                since = lines[-1][0]

    def rows(
        self,
        where: str = "1",
        values: Sequence[Any] = (),
        order: str = "number",
        limit: int | None = None,
    ) -> list[Row]:
        """Individuals for which an SQL condition over the columns of `individuals` holds.

        Args:
            where: Written by us, with a "?" for each of `values`.
            values: What people or archives say goes here.
            order: Columns, each perhaps with "desc".
            limit: How many at most.
        """
        chosen = f"SELECT number FROM individuals WHERE {where} ORDER BY {order} LIMIT ?"
        with self._snapshot():
            found = [n for (n,) in self._all(chosen, *values, -1 if limit is None else limit)]
            return self._read(found)

    def row(self, id_: str) -> Row:
        """An individual.

        Raises:
            ArchiveError: There is none of this id.
        """
        found = self.rows("id = ?", [id_])
        if not found:
            raise ArchiveError(f"no individual {id_}; give a full id")
        return found[0]

    def begun_by(self, prefix: str) -> list[tuple[str, str]]:
        """Id and commit of those whose id or commit begins with `prefix`, in order of birth."""
        end = prefix + "g"  # beyond all hexadecimal digits
        text = (
            "SELECT number, id, hash FROM individuals WHERE id >= ? AND id < ? UNION "
            "SELECT number, id, hash FROM individuals WHERE hash >= ? AND hash < ? ORDER BY number"
        )
        return [(id_, commit) for _, id_, commit in self._all(text, prefix, end, prefix, end)]

    def ancestors(self, id_: str) -> list[Row]:
        """An individual and all its ancestors, in order of birth."""
        return self._kin(id_, "parent", "child")

    def descendants(self, id_: str) -> list[Row]:
        """An individual and all its descendants, in order of birth."""
        return self._kin(id_, "child", "parent")

    def living(self) -> list[Row]:
        """The members of the last step's population, in their order there."""
        with self._snapshot():
            found = self._all("SELECT number FROM living ORDER BY place")
            return self._read([number for (number,) in found])

    def tasks(self) -> dict[str, str]:
        """The metric of each task that anybody has a score on, by name."""
        return dict(self._all("SELECT DISTINCT task, metric FROM scores ORDER BY task"))

    def steps(self) -> list[Step]:
        """What each step amounts to, oldest first."""
        columns = "step, hash, best, best_id, mean, born, failed, members"
        return [Step(*row) for row in self._all(f"SELECT {columns} FROM steps ORDER BY rowid")]

    def count(self, where: str = "1", values: Sequence[Any] = ()) -> int:
        """How many individuals a condition holds for; see `rows`."""
        [(found,)] = self._all(f"SELECT count(*) FROM individuals WHERE {where}", *values)
        return int(found)

    def _kin(self, id_: str, wanted: str, known: str) -> list[Row]:
        text = (
            "WITH RECURSIVE kin(n) AS (SELECT number FROM individuals WHERE id = ? "
            f"UNION SELECT {wanted} FROM parents JOIN kin ON {known} = n) "
            "SELECT n FROM kin ORDER BY n"
        )
        with self._snapshot():
            return self._read([n for (n,) in self._all(text, id_)])

    def _read(self, numbers: Sequence[int]) -> list[Row]:
        """The rows of individuals, in this order."""
        return [row for few in batched(numbers, _FEW) for row in self._few(few)]

    def _few(self, numbers: Sequence[int]) -> Iterator[Row]:
        marks = f"({','.join('?' * len(numbers))})"
        named = f"SELECT {', '.join(COLUMNS)} FROM individuals WHERE number IN {marks}"
        own = {row[0]: row for row in self._all(named, *numbers)}
        parents: dict[int, list[Kin]] = {number: [] for number in numbers}
        text = (
            "SELECT child, id, role FROM parents JOIN individuals ON number = parent "
            f"WHERE child IN {marks} ORDER BY child, place"
        )
        for child, id_, role in self._all(text, *numbers):
            parents[child].append(Kin(id_, role))
        values: dict[int, dict[str, float]] = {number: {} for number in numbers}
        scored = f"SELECT individual, task, value FROM scores WHERE individual IN {marks}"
        for number, task, value in self._all(scored, *numbers):
            values[number][task] = value
        for number in numbers:
            row = dict(zip(COLUMNS, own[number], strict=True))
            yield Row(**row, parents=tuple(parents[number]), values=values[number])

    def _has(self, commit: str) -> bool:
        return bool(self._all("SELECT 1 FROM steps WHERE hash = ?", commit)) or self.head == commit

    def _fact(self, name: str) -> str | None:
        found = self._all("SELECT value FROM facts WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def _all(self, text: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        return self._connection.execute(text, values).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Several questions to one state of the file."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")


def _connect(path: Path) -> sqlite3.Connection | None:
    """A connection to the tables, made if there are none of this version; None where none can be.

    The file is a cache: one that is spoilt, or of another version, is made anew.
    """
    try:
        return _prepared(path)
    except sqlite3.OperationalError:  # a folder that is not ours, a disk without locks
        return None
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _prepared(path)


def _prepared(path: Path | None) -> sqlite3.Connection:
    place = str(path) if path else ":memory:"
    connection = sqlite3.connect(
        place, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    if version != VERSION:
        _clear(connection)
    return connection


def _clear(connection: sqlite3.Connection) -> None:
    """Empty tables of this version."""
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in found:
        connection.execute(f'DROP TABLE "{name}"')
    for statement in TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def batched(all_: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Slices of `size`; the last may be shorter."""
    return (all_[start : start + size] for start in range(0, len(all_), size))
