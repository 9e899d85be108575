"""Races: seldom a wrong drop, whenever one looks; early where it is clear; exact in the end."""

import math
from itertools import permutations

import numpy as np
import pytest

from speciate.errors import TaskError
from speciate.evaluator.items import Reals
from speciate.evaluator.items.racing import (
    item_order,
    log_capital,
    still_possible,
    stopping_time,
)
from speciate.population.randomness import stream

TOTAL = 200


def stops(candidate: Reals, incumbent: Reals, error: float, races: int) -> list[int | None]:
    found = []
    for number in range(races):
        order = item_order(len(candidate), stream(number, "race"))
        found.append(stopping_time(candidate[order], incumbent[order], len(order), error))
    return found


def equals(kind: str) -> tuple[Reals, Reals]:
    """Two models of the same mean: the hardest case that must not be dropped."""
    rng = np.random.default_rng(0)
    if kind == "graded":
        candidate = rng.uniform(size=TOTAL)
        return candidate, rng.permutation(candidate)
    rare = 10 if kind == "rare" else 50
    candidate, incumbent = np.ones(TOTAL), np.ones(TOTAL)
    candidate[:rare], incumbent[-rare:] = 0.0, 0.0
    return candidate, incumbent


@pytest.mark.parametrize("kind", ["often", "rare", "graded"])
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_equals_are_dropped_no_more_often_than_said(kind: str, error: float) -> None:
    races = 1000
    dropped = sum(stop is not None for stop in stops(*equals(kind), error, races))
    # Three standard deviations of a binomial count.
    assert dropped <= races * error + 3 * math.sqrt(races * error * (1 - error))


@pytest.mark.parametrize(
    "differences",
    [[1.0, -1.0, 0.0, 0.0, 0.0, 0.0], [0.5, 0.3, 0.2, -1.0, 0.0, 0.0], [1, 1, 1, -1, -1, -1]],
)
def test_capital_is_fair_between_equals(differences: list[float]) -> None:
    """Over all orders of items its mean is 1, after any number of them."""
    capital = [np.exp(log_capital(np.array(order), 6)) for order in permutations(differences)]
    assert np.mean(capital, axis=0) == pytest.approx(np.ones(6))


def test_capital_shrinks_against_the_better() -> None:
    capital = [
        np.exp(log_capital(np.array(order), 6)) for order in permutations([1, 0.5, 0, 0, 0, -1])
    ]
    assert np.all(np.mean(capital, axis=0) <= 1 + 1e-12)


def test_the_clearly_worse_are_out_early() -> None:
    rng = np.random.default_rng(1)
    candidate = (rng.uniform(size=1000) < 0.4).astype(float)
    incumbent = (rng.uniform(size=1000) < 0.7).astype(float)
    found = [stop for stop in stops(candidate, incumbent, 0.05, 50) if stop is not None]
    assert len(found) == 50
    assert np.median(found) < 200


def test_the_better_are_kept() -> None:
    rng = np.random.default_rng(2)
    candidate = (rng.uniform(size=1000) < 0.7).astype(float)
    incumbent = (rng.uniform(size=1000) < 0.4).astype(float)
    assert stops(candidate, incumbent, 0.2, 50) == [None] * 50


def test_all_items_decide_exactly() -> None:
    incumbent = np.full(20, 0.5)
    slightly = incumbent.copy()
    slightly[0] -= 0.01
    assert not still_possible(slightly, incumbent, 20)
    assert still_possible(incumbent, incumbent, 20)
    assert still_possible(incumbent, slightly, 20)


def test_what_cannot_be_made_up_for_is_out() -> None:
    """Twelve lost of twenty leave eight to win, whatever the error."""
    assert stopping_time(np.zeros(12), np.ones(12), 20, error=1e-12) == 11
    assert still_possible(np.zeros(10), np.ones(10), 20, error=1e-12)


def test_the_bound_is_that_of_the_values() -> None:
    ours, theirs = np.zeros(40), np.full(40, 5.0)
    assert not still_possible(ours, theirs, 1000, bound=5.0)
    one = stopping_time(ours, theirs, 1000, bound=5.0)
    assert one == stopping_time(ours, theirs / 5, 1000)
    with pytest.raises(TaskError, match="differ by more than 1"):
        still_possible(ours, theirs, 1000)


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(TaskError, match="2 and 3 values"):
        still_possible([0.0, 1.0], [0.0, 1.0, 1.0], 10)
    with pytest.raises(TaskError, match="of 1 items"):
        still_possible([0.0, 1.0], [0.0, 1.0], 1)
    with pytest.raises(TaskError, match="missing"):
        still_possible([np.nan], [0.0], 10)
    with pytest.raises(TaskError, match="error probability of 1"):
        stopping_time([0.0], [0.0], 10, error=1.0)


def test_nothing_asked_yet_is_possible() -> None:
    assert still_possible([], [], 10)
