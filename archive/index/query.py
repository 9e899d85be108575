"""Filters that people give, as a question to the index."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speciate.archive.index.columns import columns
from speciate.archive.index.condition import column, condition, nearest
from speciate.archive.index.index import Index
from speciate.archive.index.rows import Row
from speciate.errors import UsageError

Part = tuple[str, Sequence[Any]]
"""A condition in SQL, and the values of its question marks."""


@dataclass(frozen=True)
class Filters:
    """Whom to list; all must hold, and of several values of one filter any.

    Attributes:
        operators: By which they were made.
        proposers: Who put them forward.
        agents: Arms of agents, or their beginnings: "coder", "coder@local".
        reviewers: A part of the name or address of who approved them.
        task: On which they have a score.
        min_score: At least this good: fitness, or the score on `task` in its own direction.
        max_score: At most this good.
        born_after: A step, itself not included.
        born_before: Likewise.
        descendant_of: An id, itself not included.
        ancestor_of: Likewise.
        living: Members of the population.
        failed: Those without fitness.
        founders: Those that were there first.
        where: A condition over `columns`.
    """

    operators: Sequence[str] = ()
    proposers: Sequence[str] = ()
    agents: Sequence[str] = ()
    reviewers: Sequence[str] = ()
    task: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    born_after: int | None = None
    born_before: int | None = None
    descendant_of: str | None = None
    ancestor_of: str | None = None
    living: bool = False
    failed: bool = False
    founders: bool = False
    where: str | None = None


def search(
    index: Index,
    filters: Filters,
    higher_is_better: Mapping[str, bool],
    sort: Sequence[str] = (),
    limit: int | None = None,
) -> list[Row]:
    """The individuals that pass.

    Args:
        index: To be asked.
        filters: Whom to list.
        higher_is_better: Directions of the metrics, by task.
        sort: Columns, "-" before those whose largest comes first; newest first if none.
        limit: How many at most.

    Raises:
        UsageError: A filter names what is not there.
    """
    parts = list(_parts(index, filters, higher_is_better))
    where = " AND ".join(text for text, _ in parts) or "1"
    values = [value for _, some in parts for value in some]
    order = ", ".join([*_order(index, sort), "number DESC"])
    try:
        return index.rows(where, values, order, limit)
    except sqlite3.Error as error:  # Such as a number too large, of one individual.
        raise UsageError(f"--where cannot be computed: {error}; make it simpler") from error


def _parts(index: Index, filters: Filters, higher: Mapping[str, bool]) -> Iterator[Part]:
    yield from _named(index, filters)
    yield from _scored(index, filters, higher)
    if filters.born_after is not None:
        yield "step > ?", [filters.born_after]
    if filters.born_before is not None:
        yield "step < ?", [filters.born_before]
    if filters.descendant_of is not None:
        yield _kin("child", "parent"), [filters.descendant_of] * 2
    if filters.ancestor_of is not None:
        yield _kin("parent", "child"), [filters.ancestor_of] * 2
    if filters.living:
        yield "number IN (SELECT number FROM living)", []
    if filters.failed:
        yield "fitness IS NULL", []
    if filters.founders:
        yield "name IS NOT NULL", []
    if filters.where is not None:
        yield condition(filters.where, columns(index)), []


def _named(index: Index, filters: Filters) -> Iterator[Part]:
    kinds: tuple[tuple[str, Sequence[str], Callable[[str, str], bool]], ...] = (
        ("operator", filters.operators, str.__eq__),
        ("proposer", filters.proposers, str.__eq__),
        ("agent", filters.agents, _is_arm),
        ("reviewer", filters.reviewers, _is_part),
    )
    for name, wanted, means in kinds:
        if wanted:
            known = distinct(index, name)
            found = [one for text in wanted for one in _meant(name, text, known, means)]
            yield f"{name} IN ({', '.join('?' * len(found))})", found


def _meant(
    name: str, text: str, known: Sequence[str], means: Callable[[str, str], bool]
) -> list[str]:
    found = [one for one in known if means(one, text)]
    if not found:
        raise UsageError(f"--{name}: nobody here has '{text}'; {nearest(text, known)}")
    return found


def _is_arm(arm: str, text: str) -> bool:
    return arm == text or arm.startswith((f"{text}@", f"{text}/"))


def _is_part(who: str, text: str) -> bool:
    return text.casefold() in who.casefold()


def distinct(index: Index, name: str) -> list[str]:
    """What individuals have in a column, sorted."""
    text = f"SELECT DISTINCT {name} FROM individuals WHERE {name} IS NOT NULL ORDER BY 1"
    return [value for (value,) in index.ask(text)]


def _scored(index: Index, filters: Filters, higher: Mapping[str, bool]) -> Iterator[Part]:
    task, asked, upwards = filters.task, "fitness", True
    if task is not None:
        if task not in (tasks := index.tasks()):
            raise UsageError(
                f"--task: nobody here has a score on '{task}'; {nearest(task, [*tasks])}"
            )
        asked = "(SELECT value FROM scores WHERE individual = individuals.number AND task = ?)"
        upwards = higher.get(task, True)
        yield f"{asked} IS NOT NULL", [task]
    values = [] if task is None else [task]
    if filters.min_score is not None:
        yield f"{asked} {'>=' if upwards else '<='} ?", [*values, filters.min_score]
    if filters.max_score is not None:
        yield f"{asked} {'<=' if upwards else '>='} ?", [*values, filters.max_score]


def _kin(wanted: str, known: str) -> str:
    return (
        "number IN (WITH RECURSIVE kin(n) AS (SELECT number FROM individuals WHERE id = ? UNION "
        f"SELECT {wanted} FROM parents JOIN kin ON {known} = n) SELECT n FROM kin) AND id != ?"
    )


def _order(index: Index, sort: Sequence[str]) -> Iterator[str]:
    """Those who have nothing in a column come last, whichever way it is sorted."""
    names = columns(index) if sort else {}
    for name in sort:
        text = column(name.removeprefix("-"), names, "--sort")
        yield f"{text} IS NULL, {text}{' DESC' if name.startswith('-') else ''}"
