"""Recipes beside each other, by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.diff.recipes import Field, Parentage, fields, parentage, source_diff
from speciate.records import Parent, Recipe


def recipe(
    operator: str = "ties", parents: str = "", seed: int = 0, **parameters: object
) -> Recipe:
    """Parents are given as letters, the base as a capital."""
    roles = tuple(Parent(one, "base" if one.isupper() else "model") for one in parents)
    return Recipe(operator, roles, parameters, seed)


def test_only_what_differs_is_told_however_deep_it_lies() -> None:
    one = recipe(density=0.2, scale={"attention": [0.5, 1.0], "other": 1}, normalize=True)
    two = recipe("dare_ties", density=0.2, scale={"attention": [0.5, 2.0]}, seed=7)
    assert fields(one, two) == [
        Field("operator", "ties", "dare_ties"),
        Field("seed", 0, 7),
        Field("normalize", True, None),
        Field("scale.attention.1", 1.0, 2.0),
        Field("scale.other", 1, None),
    ]
    assert fields(one, one) == []


def test_parents_with_their_parts_and_shares() -> None:
    one = recipe("ties", "Bxy", weights=[0.25, 0.75])
    two = recipe("linear", "yz", weights=[0.5, 0.5])
    assert parentage(one, two) == [
        Parentage("B", ("base",), ()),
        Parentage("x", ("model 1 (25.0%)",), ()),
        Parentage("y", ("model 2 (75.0%)",), ("model 1 (50.0%)",)),
        Parentage("z", (), ("model 2 (50.0%)",)),
    ]
    # Shares stand with the parents, and are not told twice.
    assert [field.name for field in fields(one, two)] == ["operator"]


def test_a_parent_may_play_several_parts() -> None:
    roles = (Parent("x", "current"), Parent("x", "best"), Parent("y", "worst"))
    moved = Recipe("succession", roles, {"step": 0.5}, 0)
    [x, y] = parentage(moved, recipe("gaussian", "x"))
    assert (x.before, x.after) == (("current", "best"), ("model",))
    assert (y.before, y.after) == (("worst",), ())


@pytest.mark.parametrize("weights", [None, [0.5], [[0.1, 0.2], 0.3]])
def test_shares_that_are_not_one_number_a_model_stay_parameters(weights: object) -> None:
    one, two = recipe("linear", "xy", weights=weights), recipe("linear", "xy", weights=[0.1, 0.9])
    assert any(field.name.startswith("weights") for field in fields(one, two)) == bool(weights)
    assert parentage(one, two)[0].before == ("model 1",)


def test_sources_line_by_line() -> None:
    one, two = recipe("evolved", source="a\nb\nc\n"), recipe("evolved", source="a\nx\nc\n")
    assert source_diff(one, two)[2:] == ["@@ -1,4 +1,4 @@", " a", "-b", "+x", " c", " "]
    assert fields(one, two) == []
    assert source_diff(one, one) == []
    assert source_diff(one, recipe()) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=3), values), st.dictionaries(st.text(max_size=3), values))
def test_differences_turn_around(ours: dict[str, object], theirs: dict[str, object]) -> None:
    one, two = Recipe("a", (), ours, 0), Recipe("a", (), theirs, 0)
    there = {field.name: (field.before, field.after) for field in fields(one, two)}
    back = {field.name: (field.after, field.before) for field in fields(two, one)}
    assert there == back
    assert fields(one, one) == []


def test_deep_nesting_is_no_trap() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    [field] = fields(recipe(deep=deep), recipe())
    assert field.before == 1
