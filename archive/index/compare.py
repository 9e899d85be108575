"""Whether an index says what the history says."""

import sqlite3
from contextlib import closing
from pathlib import Path

from speciate.archive.index.index import FILE, Index
from speciate.archive.index.tables import VERSION
from speciate.archive.repository import Repository

_NOT_OURS = ("unable to open", "attempt to write a readonly", "database is locked")
_CONTENT = ("individuals", "parents", "scores", "steps", "living")


def problem(folder: Path, repository: Repository, head: str) -> str | None:
    """What is wrong with the index in `folder`; None if nothing is, or there is none yet.

    One that lags behind `head`, or is of another version, is not wrong: whoever opens it brings it
    up to date.

    Raises:
        DamageError: The history is not what was recorded.
    """
    if not (folder / FILE).exists():
        return None
    try:
        with closing(sqlite3.connect(_read_only(folder / FILE), uri=True)) as connection:
            return _problem(connection, folder, repository, head)
    except sqlite3.DatabaseError as error:
        if str(error).startswith(_NOT_OURS):
            return None
        return f"cannot be read ({str(error).replace('other.', '')})"


def remove(folder: Path) -> None:
    """Deletes the index; it is made anew when next asked for."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{FILE}{suffix}").unlink(missing_ok=True)


def _problem(
    connection: sqlite3.Connection, folder: Path, repository: Repository, head: str
) -> str | None:
    [(found,)] = connection.execute("PRAGMA quick_check(1)")
    if found != "ok":
        return f"is damaged ({found})"
    [(version,)] = connection.execute("PRAGMA user_version")
    if version != VERSION:
        return None
    facts = connection.execute("SELECT value FROM facts WHERE name = 'head'").fetchone()
    last = facts[0] if facts else None
    if last is None:
        return None
    if last != head and not repository.descends(head, last):
        return "is of another history"
    with closing(Index.anew(repository, last)) as anew:
        different = anew.differing(_read_only(folder / FILE), _CONTENT)
    moved = connection.execute("SELECT value FROM facts WHERE name = 'head'").fetchone() != facts
    if not different or moved:  # A campaign that runs has written a step meanwhile.
        return None
    return f"differs from the history in {', '.join(different)}"


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"
