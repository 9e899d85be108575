"""Conditions that people write, made SQL of which every word is known.

Nothing gets through but comparisons, arithmetic and a few functions over named columns of one
individual: no other table, no subquery, no second statement, no comment.
"""

import difflib
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing

from speciate.archive.index.tables import TABLES
from speciate.archive.message import one_line
from speciate.errors import UsageError

_HELP = "give a condition over columns, such as \"children > 3 and operator = 'ties'\""
_LISTED = 30
_WORDS = re.compile(
    "and|or|not|is|null|isnull|notnull|in|like|glob|between|escape|case|when|then|else|end|"
    "abs|coalesce|ifnull|instr|length|lower|max|min|nullif|round|substr|trim|upper",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number> (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]) )
      | (?P<text> '(?:[^'\x00]|'')*' )
      | (?P<quoted> "(?:[^"]|"")*" )
      | (?P<word> [^\W\d]\w* )
      | (?P<sign> <=|>=|<>|!=|==|\|\||[-+*/%<>=(),] )
    )""",
    re.VERBOSE,
)


def condition(text: str, columns: Mapping[str, str]) -> str:
    """The SQL of a condition such as "children > 3 and operator = 'ties'".

    Args:
        text: Written by the user. Names that are no plain words stand in double quotes.
        columns: SQL by name.

    Raises:
        UsageError: It is none, or names what is no column.
    """
    parts, place, open_ = [], 0, 0
    text = text.strip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise UsageError(f"--where cannot be read at '{text[place:].strip()}'; {_HELP}")
        parts.append(_known(token, columns))
        open_ += (parts[-1] == "(") - (parts[-1] == ")")
        if open_ < 0:
            break
        place = token.end()
    if open_ or not parts:
        problem = "has parentheses that do not match" if open_ else "is empty"
        raise UsageError(f"--where {problem}; {_HELP}")
    found = f"({' '.join(parts)})"
    _check(found)
    return found


def _check(found: str) -> None:
    """Has SQLite look at it where there is nothing to be found."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(TABLES)
        try:
            empty.execute(f"EXPLAIN SELECT number FROM individuals WHERE {found}")
        except sqlite3.Error as error:
            raise UsageError(f"--where is no condition ({error}); {_HELP}") from error


def _known(token: re.Match[str], columns: Mapping[str, str]) -> str:
    if token["quoted"]:
        return column(token["quoted"][1:-1].replace('""', '"'), columns, "--where")
    word = token["word"]
    if word is None:
        return token[0].strip()
    if word not in columns and _WORDS.fullmatch(word):
        return word
    return column(word, columns, "--where")


def column(name: str, columns: Mapping[str, str], where: str) -> str:
    """The SQL of a column.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in columns:
        raise UsageError(f"{where}: no column '{name}'; {nearest(name, list(columns))}")
    return columns[name]


def nearest(name: str, names: Sequence[str]) -> str:
    """What may have been meant, and what there is."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    known = (
        f"there are {', '.join(map(one_line, names[:_LISTED]))}{more}" if names else "there is none"
    )
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    return f"nearest: {', '.join(map(one_line, close))}; {known}" if close else known
