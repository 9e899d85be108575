"""The family as a tree: everybody hangs under the first parent that is more than a direction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from speciate.archive.index.index import Index, batched
from speciate.archive.index.rows import Row

Tree: TypeAlias = Mapping[int, int | None]
"""Numbers of individuals in order of birth, each with its parent's; None for founders."""
_AT_ONCE = 500


def everybody(index: Index) -> Tree:
    """All that was ever born."""
    first = _first("individuals.number")
    return dict(index.ask(f"SELECT number, {first} FROM individuals ORDER BY number"))


def stems(index: Index, ids: Iterable[str] = ()) -> Tree:
    """The founders, and the lines that lead from them to the living and to some others."""
    others = list(ids)
    marks = ", ".join("?" * len(others))
    text = (
        "WITH RECURSIVE stem(number, parent) AS ("
        f"SELECT number, {_first('individuals.number')} FROM individuals WHERE name IS NOT NULL "
        f"OR id IN ({marks}) OR number IN (SELECT living.number FROM living) "
        f"UNION SELECT stem.parent, {_first('stem.parent')} FROM stem "
        "WHERE stem.parent IS NOT NULL) SELECT number, parent FROM stem ORDER BY number"
    )
    return dict(index.ask(text, *others))


def around(index: Index, id_: str, depth: int) -> Tree:
    """The line that leads to one, and those who descend from it in so many generations."""
    up = (
        "WITH RECURSIVE stem(number, parent) AS ("
        f"SELECT number, {_first('individuals.number')} FROM individuals WHERE id = ? "
        f"UNION SELECT stem.parent, {_first('stem.parent')} FROM stem "
        "WHERE stem.parent IS NOT NULL) SELECT number, parent FROM stem"
    )
    down = (
        "WITH RECURSIVE tree(number, parent, level) AS ("
        "SELECT number, NULL, 0 FROM individuals WHERE id = ? "
        "UNION SELECT below.child, tree.number, level + 1 FROM tree JOIN parents AS below "
        f"ON below.parent = tree.number AND below.parent = {_first('below.child')} "
        "WHERE level < ?) SELECT number, parent FROM tree WHERE level > 0"
    )
    return dict(sorted([*index.ask(up, id_), *index.ask(down, id_, depth)]))


def rows_by_number(index: Index, numbers: Sequence[int]) -> dict[int, Row]:
    """Some individuals by number."""
    return {row.number: row for row in _rows(index, "number", numbers)}


def rows_by_id(index: Index, ids: Sequence[str]) -> dict[str, Row]:
    """Some individuals by id."""
    return {row.id: row for row in _rows(index, "id", ids)}


def parents_by_id(index: Index) -> dict[str, list[str]]:
    """Everybody's parents, in the recipe's order; the whole graph."""
    found: dict[str, list[str]] = {}
    text = (
        "SELECT one.id, kin.id FROM individuals AS one LEFT JOIN parents ON child = one.number "
        "LEFT JOIN individuals AS kin ON kin.number = parent ORDER BY one.number, place"
    )
    for child, parent in index.ask(text):
        found.setdefault(child, []).extend([parent] if parent else [])
    return found


def _rows(index: Index, column: str, values: Sequence[int] | Sequence[str]) -> Iterator[Row]:
    for part in batched(values, _AT_ONCE):
        yield from index.rows(f"{column} IN ({', '.join('?' * len(part))})", part)


def _first(number: str) -> str:
    """SQL of the parent under whom one hangs: a base only says where directions are taken from."""
    return (
        f"(SELECT kin.parent FROM parents AS kin WHERE kin.child = {number} "
        "ORDER BY kin.role = 'base', kin.place LIMIT 1)"
    )
