"""What people type above the table, as a condition that the index understands.

Words are looked for in ids, operators, proposers, agents and names; `COLUMN > VALUE` compares,
where a column is one of the table's or a task. All of it has to hold.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from speciate.errors import UsageError

COLUMNS = (
    "id",
    "step",
    "fitness",
    "operator",
    "name",
    "generation",
    "children",
    "proposer",
    "agent",
    "reviewer",
    "reason",
    "error",
    "number",
)
NUMBERS = frozenset({"step", "fitness", "generation", "children", "number"})
NOTHING = "none"

_PART = re.compile(r"\"(?P<q>[^\"]*)\"|(?P<op>!=|<=|>=|=|<|>)|(?P<word>(?:(?!!=)[^\s\"<>=])+)")
_WORD = (
    "(id LIKE ? ESCAPE '!' OR operator LIKE ? ESCAPE '!' OR proposer LIKE ? ESCAPE '!' "
    "OR agent LIKE ? ESCAPE '!' OR name LIKE ? ESCAPE '!')"
)
_SCORED = {
    sign: f"number IN (SELECT individual FROM scores WHERE task = ? AND value {sign} ?)"  # noqa: S608
    for sign in ("!=", "<=", ">=", "=", "<", ">")
}


@dataclass(frozen=True)
class Filter:
    """An SQL condition, with a "?" for each of `values`."""

    where: str = "1"
    values: tuple[str | float, ...] = ()


def read_filter(text: str, tasks: Collection[str] = ()) -> Filter:
    """What is asked for.

    Args:
        text: As typed, perhaps unfinished: an operator at the end is not obeyed yet.
        tasks: Names that count as columns.

    Raises:
        UsageError: There is no such column, or a number is meant and none is given.
    """
    parts = [(match.lastgroup, match[match.lastgroup or 0]) for match in _PART.finditer(text)]
    conditions: list[str] = []
    values: list[str | float] = []
    while parts:
        _, first = parts.pop(0)
        if parts and parts[0][0] == "op":
            sign = parts.pop(0)[1]
            if not parts:
                break
            condition, wanted = _compared(first, sign, parts.pop(0)[1], tasks)
        else:
            condition, wanted = _WORD, _likes(first)
        conditions.append(condition)
        values += wanted
    return Filter(" AND ".join(conditions) or "1", tuple(values))


def _likes(word: str) -> list[str | float]:
    plain = re.sub(r"([!%_])", r"!\1", word)
    return [f"{plain}%", *[f"%{plain}%"] * 4]


def _compared(
    column: str, sign: str, value: str, tasks: Collection[str]
) -> tuple[str, list[str | float]]:
    name = column.lower()
    if column in tasks:
        return _SCORED[sign], [column, _number(column, value)]
    if name not in COLUMNS:
        listed = ", ".join([*COLUMNS[:8], *tasks])
        raise UsageError(f"there is no column '{column}'; compare one of {listed}")
    if value.lower() == NOTHING:
        return f"{name} IS {'NOT ' if sign == '!=' else ''}NULL", []
    if name in NUMBERS:
        return f"{name} {sign} ?", [_number(name, value)]
    if sign in ("=", "!="):
        return f"ifnull({name}, '') {'NOT ' * (sign == '!=')}LIKE ? ESCAPE '!'", [_likes(value)[1]]
    return f"{name} {sign} ?", [value]


def _number(column: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"'{value}' is no number to compare {column} with") from None
