"""What people may say of individuals, and what not."""

import sqlite3

import pytest

from speciate.archive.index.condition import condition
from speciate.archive.index.tables import TABLES
from speciate.errors import UsageError

COLUMNS = {"step": "step", "operator": "operator", "a-b": "(step * 2)", "select": "(step + 1)"}


@pytest.mark.parametrize(
    "text",
    [
        "step > 3",
        "step*2<=-1.5e3 or not (operator = 'it''s' and step in (1, 2, .5))",
        '"a-b" / 2 = step',
        '"select" >= step',
        "SELECT > step",
        "CASE WHEN step IS NULL THEN 0 ELSE max(step, 1) END",
        "operator like '%; drop table individuals --%'",
        "step - - step",
        "length(operator || '--') between 1 and 3",
    ],
)
def test_conditions_become_sql(text: str) -> None:
    columns = COLUMNS | {"SELECT": "step"}
    database = sqlite3.connect(":memory:")
    database.executescript(TABLES)
    assert (
        database.execute(f"SELECT 1 FROM individuals WHERE {condition(text, columns)}").fetchall()
        == []
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("step >", "is no condition"),
        ("step > 3 step", "is no condition"),
        ("stp > 3", "no column 'stp'; nearest: step; there are step, operator, a-b, select"),
        ('"nobody" = 1', "no column 'nobody'"),
        ("1; drop table individuals", "cannot be read at '; drop table individuals'"),
        ("1 /* all", "no column 'all'|is no condition"),
        ("step = ?", "cannot be read"),
        ("step = :x", "cannot be read"),
        ("1) or (1", "parentheses"),
        ("((step > 1)", "parentheses"),
        ("exists (values (1))", "no column 'exists'"),
        ("(with x)", "no column 'with'"),
        ("1 union all", "no column 'union'"),
        ("randomblob(1000000000)", "no column 'randomblob'"),
        ("load_extension('x')", "no column 'load_extension'"),
        ("max(step) > 1", "is no condition"),
        ("step = 'open", "cannot be read"),
        ("0x10", "cannot be read"),
        ("(" * 2000 + "1" + ")" * 2000, "is no condition"),
    ],
)
def test_all_else_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        condition(text, COLUMNS)
    assert "\n" not in str(caught.value)


def test_names_of_strangers_are_told_harmlessly() -> None:
    with pytest.raises(UsageError) as caught:
        condition("x", {"\x1b[31mred": "1"})
    assert "\x1b" not in str(caught.value)
