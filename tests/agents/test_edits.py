"""Edits that fit exactly once, and all others, which are never skipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciate.agents.edits import Edit, edited

SOURCE = "a = 1\nb = 2\nc = a + b\nd = a + b\n"


def test_all_edits_apply_to_the_source_as_it_was() -> None:
    edits = [Edit("b = 2", "a = 1"), Edit("a = 1", "b = 2\nbb = 2"), Edit("\nd = a + b", "")]
    assert edited(SOURCE, edits) == "b = 2\nbb = 2\na = 1\nc = a + b\n"
    assert edited(SOURCE, edits[::-1]) == edited(SOURCE, edits)


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ([Edit("b = 3", "b = 4")], "edit 1: its search text is not in the source"),
        ([Edit("b = 3", "b = 4")], "the nearest line is: b = 2"),
        ([Edit("  b = 2", "b = 4")], "not in the source"),
        ([Edit("a + b", "a - b")], "edit 1: its search text is there 2 times; add lines"),
        ([Edit("", "x")], "not in the source"),
        ([Edit("\n", "x")], "there 4 times"),
        ([Edit("a = 1", "a = 1")], "edit 1: it changes nothing"),
        ([Edit("a = 1", "x"), Edit("no", "x"), Edit("?", "!")], "edit 3: its search"),
        ([Edit("a = 1\nb", "x"), Edit("b = 2", "y")], "edits 1 and 2 overlap"),
        ([Edit("b = 2", "y"), Edit("b = 2", "z")], "edits 1 and 2 overlap"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_edited(edits: list[Edit], complaint: str) -> None:
    with pytest.raises(ValueError, match="cannot be applied, and nothing was") as caught:
        edited(SOURCE, edits)
    assert complaint in str(caught.value)


def test_a_block_that_overlaps_itself_is_there_twice() -> None:
    with pytest.raises(ValueError, match="there 2 times"):
        edited("xaaay", [Edit("aa", "b")])


@given(
    st.text("ab\n", max_size=30), st.integers(0, 30), st.integers(1, 9), st.text("xy", max_size=5)
)
def test_one_edit_is_a_replacement_of_what_is_there_once(
    source: str, start: int, length: int, new: str
) -> None:
    block = source[start : start + length]
    found = sum(source.startswith(block, at) for at in range(len(source))) if block else 0
    if found == 1:
        assert edited(source, [Edit(block, new)]) == source.replace(block, new)
    else:
        with pytest.raises(ValueError, match="cannot be applied"):
            edited(source, [Edit(block, new)])
