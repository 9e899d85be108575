"""The index of an archive: a SQLite file beside the repository, and derived from it.

Whoever opens it brings it up to date: the campaign after each step, a reader when the file lags
behind main. It is moved on by whole steps, so nobody sees half of one.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Self, TypeVar

from speciate.archive.index.file import connect, is_unusable, remake
from speciate.archive.index.rows import COLUMNS, Kin, Row
from speciate.archive.index.tables import clear
from speciate.archive.index.update import extend
from speciate.archive.individuals import Kept
from speciate.archive.repository import Repository
from speciate.archive.steps import Step
from speciate.errors import ArchiveError
from speciate.records import FOUNDER

FILE = "index.sqlite"
_T = TypeVar("_T")
_AT_ONCE = 256  # steps that one transaction takes in
_FEW = 500  # numbers that one question may list


class Index:
    """What is recorded up to `head`, to be asked.

    It may be ahead of an `Archive` that was opened earlier, and never behind. Where its file cannot
    be used, or no longer, it goes on in memory: it stops neither a campaign nor a reader.
    """

    def __init__(self, path: Path, repository: Repository) -> None:
        self._path = path
        self._repository = repository
        self._connection = connect(path)
        self._lock = RLock()

    @classmethod
    def open(cls, folder: Path, repository: Repository, head: str) -> Self:
        """The index of the archive in `folder`, up to date with `head`, a commit of its main.

        Raises:
            DamageError: Something recorded is not what it was.
        """
        index = cls(folder / FILE, repository)
        index.update(head)
        return index

    @classmethod
    def anew(cls, repository: Repository, head: str) -> Self:
        """An index in memory, read from the history alone.

        Raises:
            DamageError: Something recorded is not what it was.
        """
        index = cls(Path("file::memory:"), repository)  # A URI, which may attach others.
        index.update(head)
        return index

    def differing(self, other: str, tables: Sequence[str]) -> list[str]:
        """Those of the tables that hold other rows in the database at the URI `other`."""
        self._connection.execute("ATTACH ? AS other", [other])
        return [table for table in tables if self._differs(table)]

    def _differs(self, table: str) -> bool:
        pairs = (("main", "other"), ("other", "main"))
        text = "SELECT EXISTS (SELECT * FROM {0}.{2} EXCEPT SELECT * FROM {1}.{2})"
        return any(self._all(text.format(*pair, table))[0][0] for pair in pairs)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def head(self) -> str | None:
        """The commit of main up to which all is known."""
        found = self._all("SELECT value FROM facts WHERE name = 'head'")
        return str(found[0][0]) if found else None

    def update(self, head: str) -> None:
        """Read on up to `head`, unless it is known; start anew if main was rewritten.

        Raises:
            DamageError: Something recorded is not what it was.
        """
        with self._lock:
            try:
                self._update(head)
            except sqlite3.DatabaseError as error:
                self._heal(error)
                self._update(head)

    def _update(self, head: str) -> None:
        if self._has(head):
            return
        before, parents = self.head, self._repository.parents(head)
        if before is not None and parents[:1] == (before,):
            extend(self._connection, self._repository, [(head, parents)], before)
        elif before is not None and not self._repository.descends(head, before):
            clear(self._connection, lambda: self.head == before)
        while not self._has(head):
            since = self.head
            for lines in batched(self._repository.steps(head, since), _AT_ONCE):
                if not extend(self._connection, self._repository, lines, since):
                    break
                since = lines[-1][0]

    def _heal(self, error: sqlite3.DatabaseError) -> None:
        """Go on without a file that cannot be used; one that is spoilt is made anew.

        Raises:
            sqlite3.DatabaseError: The file is not what is wrong.
        """
        if not is_unusable(error):
            raise error
        self._connection.close()
        self._connection = remake(self._path, error)

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

    def numbers(
        self, where: str = "1", values: Sequence[Any] = (), order: str = "number"
    ) -> list[int]:
        """Numbers of the individuals that `rows` would give; these are read with `at`."""
        text = f"SELECT number FROM individuals WHERE {where} ORDER BY {order}"
        return [number for (number,) in self._all(text, *values)]

    def at(self, numbers: Sequence[int]) -> list[Row]:
        """The rows of individuals by their numbers, in this order.

        Raises:
            KeyError: There is none of a number.
        """
        with self._snapshot():
            return self._read(numbers)

    def links(self, after: int = 0) -> list[tuple[int, int, str]]:
        """Child, parent and role for all parents of those born after a number, in order."""
        text = "SELECT child, parent, role FROM parents WHERE child > ? ORDER BY child, place"
        return self._all(text, after)

    def pairs(self, first: str, second: str) -> list[tuple[int, float, float]]:
        """Number and both scores of all that have one on each of two tasks."""
        text = (
            "SELECT individual, one.value, other.value FROM scores AS one "
            "JOIN scores AS other USING (individual) WHERE one.task = ? AND other.task = ? "
            "ORDER BY individual"
        )
        return self._all(text, first, second)

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

    def founders_of(self, id_: str) -> list[Row]:
        """The founders that an individual descends from, in the order in which they were born."""
        kin = (
            "WITH RECURSIVE kin(n) AS (SELECT number FROM individuals WHERE id = ? "
            "UNION SELECT parent FROM parents JOIN kin ON child = n) SELECT n FROM kin"
        )
        return self.rows(f"name IS NOT NULL AND number IN ({kin})", [id_])

    def descendants(self, id_: str) -> list[Row]:
        """An individual and all its descendants, in order of birth."""
        return self._kin(id_, "child", "parent")

    def living(self) -> list[Row]:
        """The members of the last step's population, in their order there."""
        with self._snapshot():
            found = self._all("SELECT number FROM living ORDER BY place")
            return self._read([number for (number,) in found])

    def founders(self) -> list[Row]:
        """Those who were not bred."""
        return self.rows("operator = ?", [FOUNDER])

    def fittest(self, count: int) -> Iterator[str]:
        """Ids of the scored among the `count` oldest, from the fittest, ties by id."""
        text = (
            "SELECT id FROM individuals WHERE number <= ? AND fitness IS NOT NULL "
            "ORDER BY fitness DESC, id LIMIT ? OFFSET ?"
        )
        start = 0
        while found := self._all(text, count, _FEW, start):
            yield from (id_ for (id_,) in found)
            start += _FEW

    def digests(self, digests: Collection[str]) -> set[str]:
        """Which of these are digests of weights of individuals."""
        found: set[str] = set()
        for few in batched(sorted(digests), _FEW):
            marks = ",".join("?" * len(few))
            text = f"SELECT digest FROM individuals WHERE digest IN ({marks})"
            found |= {digest for (digest,) in self._all(text, *few)}
        return found

    def tasks(self) -> dict[str, str]:
        """The metric of each task that anybody has a score on, by name."""
        return dict(self._all("SELECT DISTINCT task, metric FROM scores ORDER BY task"))

    def steps(self, head: str | None = None) -> list[Step]:
        """What each step amounts to, oldest first; up to the one whose commit is `head`."""
        columns = "step, hash, best, best_id, mean, born, failed, members"
        text = f"SELECT {columns} FROM steps WHERE rowid <= ? ORDER BY rowid"
        return [Step(*row) for row in self._all(text, self._place(head))]

    def born(self, head: str) -> int:
        """How many individuals were recorded up to the step whose commit is `head`."""
        text = "SELECT coalesce(sum(born), 0) FROM steps WHERE rowid <= ?"
        [(found,)] = self._all(text, self._place(head))
        return int(found)

    def places(self, count: int) -> list[tuple[str, str]]:
        """Id and commit of the `count` oldest individuals, in order of birth."""
        return self._all(
            "SELECT id, hash FROM individuals WHERE number <= ? ORDER BY number", count
        )

    def commit_of(self, id_: str, count: int) -> str | None:
        """Hash of the commit of an individual, if it is among the `count` oldest."""
        found = self._all("SELECT hash FROM individuals WHERE id = ? AND number <= ?", id_, count)
        return str(found[0][0]) if found else None

    def kept(self, ids: Collection[str]) -> dict[str, Kept]:
        """What others' commits say of individuals, by id; of those that are recorded."""
        found: dict[str, Kept] = {}
        for few in batched(sorted(ids), _FEW):
            marks = ",".join("?" * len(few))
            columns = "id, hash, coalesce(name, operator), fitness"
            text = f"SELECT {columns} FROM individuals WHERE id IN ({marks})"
            found |= {id_: Kept(*rest) for id_, *rest in self._all(text, *few)}
        return found

    def ask(self, text: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """Answers to a question over the tables, in SQL written by us; see `rows`."""
        return self._all(text, *values)

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

    def _place(self, head: str | None) -> int:
        """Number of a step's row: the last one's, unless asked for another; 0 before the first."""
        text = "SELECT coalesce(max(rowid), 0) FROM steps WHERE ? IN (hash, '')"
        [(found,)] = self._all(text, head or "")
        return int(found)

    def _all(self, text: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        with self._lock:
            try:
                return self._connection.execute(text, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._heal(error)
                head = self._repository.head()
                if head is not None:
                    self._update(head)
                return self._connection.execute(text, values).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Several questions to one state of the file."""
        with self._lock:
            self._all("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:  # not in one that was made anew meanwhile
                    self._connection.execute("ROLLBACK")


def batched(all_: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Slices of `size`; the last may be shorter."""
    return (all_[start : start + size] for start in range(0, len(all_), size))
