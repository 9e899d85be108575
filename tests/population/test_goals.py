"""Ranks: by fitness or fronts, those that keep to the constraints first, and by any order given."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.configs.constraints import archived
from speciate.population.goals import Goals
from speciate.records import Evaluation, Individual, Recipe, Score

FLOOR = archived({"constraints": [{"kind": "floor", "task": "a", "at_least": 0.5}]})
HIGHER = {"a": True, "b": False}
# Few values, so that ties are common.
values = st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])
pools = st.lists(st.tuples(values, values), max_size=8)


def people(rows: list[tuple[float, float]]) -> dict[str, Individual]:
    known = {}
    for seed, (a, b) in enumerate(rows):
        scores = {"a": Score("accuracy", (a,)), "b": Score("bits", (b,))}
        recipe = Recipe("linear", (), {}, seed)
        evaluation = Evaluation((a + b) / 2, scores, "scripted")
        known[recipe.id] = Individual(recipe, recipe.id, 1, "test", "", evaluation)
    return known


@settings(max_examples=50, deadline=None)
@given(pools)
def test_fitness_ranks_and_is_the_worth(rows: list[tuple[float, float]]) -> None:
    known = people(rows)
    found = Goals().ranked(known, known)
    assert found == sorted(
        ((name, one.fitness) for name, one in known.items()), key=lambda e: (-e[1], e[0])
    )


@settings(max_examples=50, deadline=None)
@given(pools, st.sampled_from([(), ("a", "b")]), st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order_of_the_pool(
    rows: list[tuple[float, float]], objectives: tuple[str, ...], random: Random
) -> None:
    known = people(rows)
    names = list(known)
    random.shuffle(names)
    goals = Goals(HIGHER, FLOOR)
    assert goals.ranked(names, known, objectives) == goals.ranked(known, known, objectives)


@settings(max_examples=50, deadline=None)
@given(pools, st.sampled_from([(), ("a", "b")]))
def test_who_keeps_to_constraints_comes_first_and_then_who_breaks_them_least(
    rows: list[tuple[float, float]], objectives: tuple[str, ...]
) -> None:
    known = people(rows)
    goals = Goals(HIGHER, FLOOR)
    found = goals.ranked(known, known, objectives)
    amounts = [goals.excess(known[name], known) for name, _ in found]
    assert amounts == sorted(amounts)
    worths = [worth for _, worth in found]
    assert worths == sorted(worths, reverse=True)
    if not objectives:
        assert all(
            (worth < 0) == (amount > 0) for worth, amount in zip(worths, amounts, strict=True)
        )


def test_fronts_count_each_metric_in_its_direction() -> None:
    known = people([(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
    best, middle, worst = (list(known)[index] for index in (0, 2, 1))
    found = Goals(HIGHER).ranked(known, known, ("a", "b"))
    assert [name for name, _ in found] == [best, middle, worst]


def test_failures_are_left_out() -> None:
    failed = Individual(Recipe("linear", (), {}, 9), None, 1, "test", error="no memory")
    known = people([(1.0, 0.0)]) | {failed.id: failed}
    assert len(Goals(HIGHER, FLOOR).ranked(known, known)) == 1


def test_says_who_breaks_what() -> None:
    known = people([(0.2, 0.0)])
    ((name, worth),) = Goals(HIGHER, FLOOR).ranked(known, known)
    (found,) = Goals(HIGHER, FLOOR).violations(known[name], known)
    assert found.text == "a is 0.2, should be at least 0.5"
    assert worth == pytest.approx(-0.6)
