"""What people type above the table, as a condition that the index understands.

Words are looked for in ids, operators, proposers, agents and names; `COLUMN > VALUE` compares,
where a column is one of the index's or a task. All of it has to hold. After "where" stands what
`speciate log --where` takes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from speciate.archive.index.condition import column, condition
from speciate.errors import UsageError

TEXTS = frozenset(
    {"id", "hash", "operator", "name", "source", "proposer", "agent", "reviewer", "error"}
    | {"digest", "reason"}
)
"""Columns that hold text; all others hold numbers."""
NOTHING = "none"
WHERE = "where "

_PART = re.compile(r"\"(?P<q>[^\"]*)\"|(?P<op>!=|<=|>=|=|<|>)|(?P<word>(?:(?!!=)[^\s\"<>=])+)")
_WORD = (
    "(id LIKE ? ESCAPE '!' OR operator LIKE ? ESCAPE '!' OR proposer LIKE ? ESCAPE '!' "
    "OR agent LIKE ? ESCAPE '!' OR name LIKE ? ESCAPE '!')"
)


@dataclass(frozen=True)
class Filter:
    """An SQL condition, with a "?" for each of `values`."""

    where: str = "1"
    values: tuple[str | float, ...] = ()


def read_filter(text: str, columns: Mapping[str, str]) -> Filter:
    """What is asked for.

    Args:
        text: As typed, perhaps unfinished: an operator at the end is not obeyed yet.
        columns: SQL by name.

    Raises:
        UsageError: There is no such column, or a number is meant and none is given.
    """
    if text.lstrip().startswith(WHERE):
        return Filter(condition(text.lstrip().removeprefix(WHERE), columns))
    parts = [(match.lastgroup, match[match.lastgroup or 0]) for match in _PART.finditer(text)]
    conditions: list[str] = []
    values: list[str | float] = []
    while parts:
        _, first = parts.pop(0)
        if parts and parts[0][0] == "op":
            sign = parts.pop(0)[1]
            if not parts:
                break
            compared, wanted = _compared(first, sign, parts.pop(0)[1], columns)
        else:
            compared, wanted = _WORD, _likes(first)
        conditions.append(compared)
        values += wanted
    return Filter(" AND ".join(conditions) or "1", tuple(values))


def _likes(word: str) -> list[str | float]:
    plain = re.sub(r"([!%_])", r"!\1", word)
    return [f"{plain}%", *[f"%{plain}%"] * 4]


def _compared(
    name: str, sign: str, value: str, columns: Mapping[str, str]
) -> tuple[str, list[str | float]]:
    known = column(name, columns, "filter")
    if value.lower() == NOTHING:
        return f"{known} IS {'NOT ' if sign == '!=' else ''}NULL", []
    if name not in TEXTS:
        return f"{known} {sign} ?", [_number(name, value)]
    if sign in ("=", "!="):
        return f"ifnull({known}, '') {'NOT ' * (sign == '!=')}LIKE ? ESCAPE '!'", [_likes(value)[1]]
    return f"{known} {sign} ?", [value]


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"'{value}' is no number to compare {name} with") from None
