"""The tables of the index; a change of them is a new version, and old files are made anew."""

import sqlite3
from collections.abc import Callable

VERSION = 3

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE individuals (
    number INTEGER PRIMARY KEY,  -- in order of birth, from 1
    id TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL UNIQUE,   -- of its commit
    step INTEGER NOT NULL,
    operator TEXT NOT NULL,
    name TEXT,                   -- of a founder
    source TEXT,                 -- digest of the operator's, where it is part of the recipe
    proposer TEXT NOT NULL,
    agent TEXT,                  -- the arm of the agent that put it forward
    reviewer TEXT,
    fitness REAL,
    error TEXT,
    digest TEXT,
    reason TEXT NOT NULL,
    generation INTEGER NOT NULL, -- 0 for founders, else one more than the latest of its parents
    children INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX founders ON individuals (name) WHERE name IS NOT NULL;
CREATE INDEX by_fitness ON individuals (fitness DESC, id);
CREATE INDEX by_digest ON individuals (digest);
CREATE TABLE parents (
    child INTEGER NOT NULL, place INTEGER NOT NULL, parent INTEGER NOT NULL, role TEXT NOT NULL,
    PRIMARY KEY (child, place)
) WITHOUT ROWID;
CREATE INDEX children_of ON parents (parent, child);
CREATE TABLE scores (
    individual INTEGER NOT NULL, task TEXT NOT NULL, metric TEXT NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (individual, task)
) WITHOUT ROWID;
CREATE TABLE steps (
    step INTEGER NOT NULL, hash TEXT NOT NULL UNIQUE, best REAL, best_id TEXT, mean REAL,
    born INTEGER NOT NULL, failed INTEGER NOT NULL, members INTEGER NOT NULL
);
CREATE TABLE living (place INTEGER PRIMARY KEY, number INTEGER NOT NULL);
"""


def clear(connection: sqlite3.Connection, is_stale: Callable[[], bool]) -> None:
    """Empty tables of this version, unless another process has just seen to it."""
    connection.execute("BEGIN IMMEDIATE")
    if is_stale():
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in found:
            connection.execute(f'DROP TABLE "{name}"')
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
