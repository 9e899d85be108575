"""Distances of recipes and of code: bounded, symmetric, 0 for what differs in its seed alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.agents.novelty import Metric
from speciate.records import Parent, Recipe

METRIC = Metric(symmetric=("linear",))
A, B, C = "a" * 40, "b" * 40, "c" * 40


def recipe(operator: str, models: tuple[str, ...] = (A, B), seed: int = 0, **rest: Any) -> Recipe:
    return Recipe(operator, tuple(Parent(one, "model") for one in models), rest, seed)


numbers = st.integers(-30, 30).map(lambda tenths: tenths / 10)
recipes = st.builds(
    lambda operator, models, weights, seed: recipe(operator, models, seed, weights=list(weights)),
    st.sampled_from(["linear", "unknown"]),
    st.sampled_from([(A, B), (B, A), (A, C)]),
    st.tuples(numbers, numbers),
    st.integers(0, 3),
)


@settings(max_examples=60)
@given(recipes, recipes)
def test_it_is_bounded_symmetric_and_0_for_equal_genomes(one: Recipe, other: Recipe) -> None:
    distance = METRIC.distance(one, other)
    assert 0 <= distance <= 1
    assert distance == METRIC.distance(other, one)
    assert METRIC.distance(one, replace(one, seed=9)) == 0
    if one.parents == other.parents and one.operator == other.operator:
        assert (distance == 0) == (one.parameters == other.parameters)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (recipe("slerp", t=0.5), recipe("slerp", t=0.5, seed=3), 0.0),
        (recipe("slerp", t=0.5), recipe("slerp", t=0.25), 0.5),
        (recipe("slerp", t=0.5), recipe("slerp", (B, A), t=0.5), 1.0),
        (recipe("slerp", t=0.5), recipe("slerp", (A, C), t=0.5), 1.0),
        (recipe("slerp", t=0.5), recipe("linear"), 1.0),
        (recipe("linear", weights=[0.3, 0.7]), recipe("linear", weights=[0.7, 0.3]), 0.4 / 0.7),
        (recipe("linear", weights=[0.3, 0.7]), recipe("linear", (B, A), weights=[0.7, 0.3]), 0.0),
        (recipe("linear"), recipe("linear", (B, A)), 0.0),
        (recipe("linear", weights=[0.0, 1.0]), recipe("linear", weights=[0.004, 1.0]), 0.004),
        # A default that is written down is a default; too few weights are compared as they stand.
        (recipe("linear"), recipe("linear", normalize=True), 0.0),
        (recipe("linear"), recipe("linear", normalize=False), 1.0),
        (recipe("linear", weights=[1.0]), recipe("linear", weights=[0.5]), 0.5),
        (recipe("x", deep={"a": [1, {"b": 2}]}), recipe("x", deep={"a": [1, {"b": 1}]}), 0.5),
        (recipe("x", deep={"a": [1]}), recipe("x", deep={"a": [1, 1]}), 1.0),
        (recipe("x", a=1), recipe("x", a=1, b=2), 1.0),
        (recipe("x", a=-1), recipe("x", a=1), 1.0),
        (recipe("x", a="word"), recipe("x", a="other"), 1.0),
    ],
)
def test_distances(one: Recipe, other: Recipe, expected: float) -> None:
    assert METRIC.distance(one, other) == pytest.approx(expected)


def test_the_nearest_is_named_with_the_reason() -> None:
    known = {
        C: recipe("slerp", t=0.9),
        A: recipe("slerp", t=0.504),
        B: recipe("linear"),
    }
    found = METRIC.nearest(recipe("slerp", t=0.5), known)
    assert found is not None
    assert (found.id, found.distance) == (A, pytest.approx(0.004 / 0.504))
    assert found.reason == "differs from aaaaaaaaaa only in t by 0.0079"
    again = METRIC.nearest(recipe("slerp", t=0.9, seed=5), known)
    assert again is not None
    assert (again.distance, again.reason) == (0, "is cccccccccc again but for its seed")
    assert METRIC.nearest(recipe("slerp", (A, C), t=0.5), known) is None
    assert METRIC.nearest(recipe("karcher"), {}) is None


CODE = (
    "def merge(models, base, parameters, random):\n    return models[0] * 0.5 + models[1] * 0.5\n"
)


def test_code_is_compared_by_its_tokens() -> None:
    def normalised(source: str) -> str:
        return "\n".join(line.split("#")[0] for line in source.splitlines())

    metric = Metric(normalised=normalised)
    commented = CODE.replace("\n  return", "  # the mean\n  return")
    other = "import numpy as np\n\ndef merge(a, b, c, d):\n    return np.median(a, axis=0)\n"
    assert metric.nearest_code(commented, {}) is None
    same = metric.nearest_code(commented, {"f" * 64: other, "e" * 64: CODE})
    assert same is not None
    assert (same.id, same.distance) == ("e" * 64, 0)
    edited = metric.nearest_code(CODE.replace("0.5", "0.4"), {"e" * 64: CODE})
    assert edited is not None
    assert 0 < edited.distance < 0.5
    far = metric.nearest_code(CODE, {"f" * 64: other})
    assert far is None or far.distance > 0.5
    assert metric.nearest_code("", {"e" * 64: CODE}) is None
    values = {"values": {"density": 0.5}}
    one, two = recipe("evolved", source=CODE, **values), recipe("evolved", source=other, **values)
    assert metric.distance(one, recipe("evolved", source=commented, **values)) == 0
    assert 0.5 < metric.distance(one, two) == metric.distance(two, one) <= 1
