"""What people type finds whom they mean, and never becomes SQL."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.archive.index.columns import columns
from speciate.browse.filters import read_filter
from speciate.errors import UsageError

COLUMNS = {"fitness": "fitness", "operator": "operator", "sums": "(SELECT 1)"}


def _found(grown: Any, text: str) -> list[int]:
    wanted = read_filter(text, columns(grown.archive.index))
    return list(grown.archive.index.numbers(wanted.where, wanted.values))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("ties", [5]),
        ("maths", [1]),
        ("breeder", [6]),
        ("linear evolution", [4, 7, 8]),
        ("operator = ties", [5]),
        ("operator=ti", [5]),
        ('reason = "complement each"', [6]),
        ("operator != linear", [1, 2, 3, 5]),
        ("step >= 4", [7, 8]),
        ("generation<1", [1, 2, 3]),
        ("children > 1 founder", []),
        ("children > 1", [4, 5, 6]),
        ("fitness = none", [7]),
        ("error != none", [7]),
        ("prose < 2.6", [6, 8]),
        ("sums > 0.4 sums < 0.6", [5, 6]),
        ("fitness >", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("living = 1 generation > 0", [4, 5, 6, 8]),
        ("where operator = 'ties' or number = 4", [4, 5]),
        ("where 1; DROP TABLE steps", None),
        ("%", []),
        ("_", []),
        ("' OR 1 = 1 --", None),
        ("id;DROP = 1", None),
        ("fitness > much", None),
    ],
)
def test_who_is_found(read_only: Any, text: str, numbers: list[int] | None) -> None:
    if numbers is None:
        with pytest.raises(UsageError):
            _found(read_only, text)
    else:
        assert _found(read_only, text) == numbers


@settings(max_examples=50)
@given(st.text())
def test_whatever_is_typed_is_bound_or_refused(text: str) -> None:
    try:
        wanted = read_filter(text, COLUMNS)
    except UsageError:
        return
    assert wanted.where.count("?") == len(wanted.values)
