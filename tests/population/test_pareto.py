"""Pareto fronts: by hand, and for any points."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.population.pareto import Placed, dominates, pareto

Points = dict[str, tuple[float, ...]]


def _named(rows: list[tuple[float, ...]]) -> Points:
    return {f"{index:02}": row for index, row in enumerate(rows)}


# Few values, so that ties, copies and constant objectives are common.
values = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]) | st.floats(-1e6, 1e6)
points = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.tuples(*[values] * size), min_size=1, max_size=14).map(_named)
)


def _fronts(found: list[Placed]) -> list[list[str]]:
    numbers = sorted({one.front for one in found})
    return [sorted(one.id for one in found if one.front == number) for number in numbers]


def test_dominance_needs_one_better_and_none_worse() -> None:
    assert dominates((1, 2), (1, 1))
    assert not dominates((1, 2), (1, 2))
    assert not dominates((2, 0), (0, 2))


def test_fronts_and_distances_by_hand() -> None:
    found = pareto({"a": (0, 4), "b": (1, 3), "c": (4, 0), "d": (0, 0), "e": (1, 0), "f": (0, 3)})
    # e and f are worse than b, and d than both.
    assert _fronts(found) == [["a", "b", "c"], ["e", "f"], ["d"]]
    crowding = {one.id: one.crowding for one in found}
    # From a to c is the whole range of both objectives: (1 + 1) / 2.
    assert crowding["b"] == pytest.approx(1.0)
    assert crowding["a"] == crowding["c"] == crowding["d"] == math.inf


def test_copies_share_a_front_and_the_first_by_id_has_the_distance() -> None:
    found = pareto({"b": (1, 1), "a": (1, 1), "low": (0, 2), "high": (2, 0)})
    assert {one.front for one in found} == {1}
    assert [one.id for one in found] == ["high", "low", "a", "b"]
    assert [one.crowding for one in found] == [math.inf, math.inf, 1.0, 0.0]


def test_one_objective_is_a_ranking() -> None:
    assert _fronts(pareto({"a": (1,), "b": (3,), "c": (3,), "d": (2,)})) == [
        ["b", "c"],
        ["d"],
        ["a"],
    ]


def test_who_has_no_finite_value_is_left_out() -> None:
    found = pareto({"failed": (math.nan, 9), "endless": (math.inf, 0), "fine": (0, 0)})
    assert found == [Placed("fine", 1, math.inf)]
    assert pareto({"failed": (math.nan,)}) == pareto({}) == []


@pytest.mark.parametrize("rows", [{"a": (1, 2), "b": (1,)}, {"a": ()}])
def test_points_need_the_same_objectives(rows: Points) -> None:
    with pytest.raises(ValueError, match="objective"):
        pareto(rows)


@settings(max_examples=80)
@given(points)
def test_fronts_partition_and_each_is_dominated_only_from_the_front_before(rows: Points) -> None:
    fronts = _fronts(pareto(rows))
    assert sorted(id_ for front in fronts for id_ in front) == sorted(rows)
    for number, front in enumerate(fronts):
        for id_ in front:
            behind = [other for later in fronts[number:] for other in later]
            assert not any(dominates(rows[other], rows[id_]) for other in behind)
            before = fronts[number - 1] if number else []
            assert not before or any(dominates(rows[other], rows[id_]) for other in before)


@settings(max_examples=50)
@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(rows: Points, random: Random) -> None:
    turned = list(rows.items())
    random.shuffle(turned)
    assert pareto(dict(turned)) == pareto(rows)


@settings(max_examples=50)
@given(points)
def test_the_best_of_each_objective_is_in_the_first_front(rows: Points) -> None:
    first = [one.id for one in pareto(rows) if one.front == 1]
    for objective in range(len(next(iter(rows.values())))):
        best = max(row[objective] for row in rows.values())
        assert any(rows[id_][objective] == best for id_ in first)
