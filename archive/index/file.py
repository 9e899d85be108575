"""The file of the index: a cache, which can be spoilt, deleted, or impossible to write."""

import sqlite3
from pathlib import Path

from speciate.archive.index.tables import VERSION, clear

_PATIENCE = 60.0  # seconds to wait for another process that brings the index up to date
_SPOILT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_USELESS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file's tables, made if there are none of this version.

    Where the file cannot be written it is read as it lies, if its writer has closed it, or else
    the tables are in memory.
    """
    try:
        return _prepared(str(path))
    except sqlite3.DatabaseError as error:
        if not is_unusable(error):
            raise
        return _as_it_lies(path) or remake(path, error)


def remake(path: Path, error: sqlite3.DatabaseError) -> sqlite3.Connection:
    """A connection to empty tables: in the file if it was spoilt, which can be mended."""
    if _code(error) in _SPOILT:
        try:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _prepared(str(path))
        except (OSError, sqlite3.DatabaseError):
            pass
    return _prepared(":memory:")


def is_unusable(error: sqlite3.DatabaseError) -> bool:
    """Whether it is the file or its disk that is wrong, and not what was asked."""
    return _code(error) in _SPOILT | _USELESS


def _code(error: sqlite3.DatabaseError) -> int:
    """The kind of an error, without its details."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _as_it_lies(path: Path) -> sqlite3.Connection | None:
    """A connection that writes nothing, not even beside the file."""
    log = path.with_name(f"{path.name}-wal")
    if not path.is_file() or (log.is_file() and log.stat().st_size):
        return None
    try:
        connection = _open(f"{path.absolute().as_uri()}?immutable=1")
        return None if _is_old(connection) else connection
    except sqlite3.DatabaseError:
        return None


def _prepared(place: str) -> sqlite3.Connection:
    connection = _open(place)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    if _is_old(connection):
        clear(connection, lambda: _is_old(connection))
    return connection


def _open(place: str) -> sqlite3.Connection:
    return sqlite3.connect(
        place,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
        uri=place.startswith("file:"),
    )


def _is_old(connection: sqlite3.Connection) -> bool:
    """Whether its tables are of another version, or not there."""
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    return bool(version != VERSION)
