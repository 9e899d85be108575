"""Optimisers on ground whose best place is known: sphere, Rastrigin, and merges that answer items.

Recipes are points: averages of founders, who stand at the corners, and noise on them. What is
looked at is the regret, how far the best so far is below the best place, after ever more
evaluations.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from speciate.records import FOUNDER, Recipe

BUDGET = 100
# The best average of the four founders.
BEST = np.array([0.15, 0.4, 0.35, 0.1])
Ground = Callable[[np.ndarray], np.ndarray]

SEEDS = 2

# All with the same number of evaluations, but for lists that end.
RUNS: Mapping[str, Mapping[str, Any]] = {
    "random": {},
    "best_of": {},
    "cma_es": {"groups": 1},
    "surrogate": {"first": 40, "size": 20},
    "frank_wolfe": {"rounds": BUDGET // 4},
    "steady_state": {"sigma": 0.02, "lag": 8},
    "darwin": {"sigma": 0.02, "population": 20},
}


def sphere(point: np.ndarray) -> np.ndarray:
    """One item, quadratic around the best place."""
    return np.array([1 - np.sum((point - BEST) ** 2)])


def rastrigin(point: np.ndarray) -> np.ndarray:
    """The same with a hill every tenth of the way."""
    off = point - BEST
    ripples = 0.02 * np.sum(1 - np.cos(20 * np.pi * off))
    return np.array([1 - np.sum(off**2) - ripples])


def items(point: np.ndarray) -> np.ndarray:
    """Probabilities of 60 right answers: 2PL items, three skills, each quadratic in the weights."""
    random = np.random.default_rng(5)
    shapes = 1 + 3 * random.random((3, 4))
    skills = 2 - 4 * (shapes * (point - BEST) ** 2).sum(axis=1)
    discriminations, difficulties = 0.5 + random.random((60, 3)), random.normal(2, 1.5, 60)
    return 1 / (1 + np.exp(difficulties - discriminations @ skills))


class Merges:
    """Scores of recipes on a ground, and the best so far."""

    def __init__(self, toy: Any, ground: Ground) -> None:
        self._ground = ground
        self._places = toy.landscape(one=(0, 0, 0, 0))
        self.optimum = float(ground(BEST).mean())
        self.regrets: list[float] = []

    def __call__(self, recipe: Recipe) -> dict[str, tuple[float, ...]]:
        self._places(recipe)
        # No fitness may be less than 0.
        found = np.maximum(self._ground(self._places.points[recipe.id]), 0)
        if recipe.operator != FOUNDER:
            least = min([self.optimum - float(found.mean()), *self.regrets[-1:]])
            self.regrets.append(least)
        return {"one": tuple(found.tolist())}


def regrets(toy: Any, kind: str, ground: Ground, seed: int) -> list[float]:
    """After each evaluation."""
    given = dict(RUNS[kind])
    if toy.takes(kind, "evaluations"):
        given["evaluations"] = BUDGET
    merges = Merges(toy, ground)
    toy.play(toy.strategy(kind, seed, **given), merges)
    return merges.regrets


@pytest.fixture(scope="module")
def runs(toy: Any) -> dict[tuple[str, str], list[list[float]]]:
    """Regrets, a list a seed, by strategy and ground."""
    return {
        (kind, ground.__name__): [regrets(toy, kind, ground, seed) for seed in range(SEEDS)]
        for ground in (sphere, rastrigin, items)
        for kind in RUNS
    }


@pytest.fixture(scope="module")
def curves(runs: Any) -> dict[tuple[str, str], np.ndarray]:
    """Mean regrets after 25, 50 and 100 evaluations; who ends before keeps what it found."""
    return {
        key: np.mean([[run[min(n, len(run)) - 1] for n in (25, 50, 100)] for run in found], axis=0)
        for key, found in runs.items()
    }


def test_the_optimum_is_that() -> None:
    random = np.random.default_rng(0)
    for ground in (sphere, rastrigin, items):
        best = ground(BEST).mean()
        assert all(ground(BEST + step).mean() < best for step in random.normal(0, 0.2, (200, 4)))


def test_budgets_are_equal(runs: Any) -> None:
    for (kind, _), curves in runs.items():
        spent = {len(curve) for curve in curves}
        assert spent == {BUDGET - (kind == "frank_wolfe")}


@pytest.mark.parametrize("kind", ["cma_es", "surrogate", "frank_wolfe"])
@pytest.mark.parametrize("ground", ["sphere", "items"])
def test_searches_of_weights_beat_random_search_on_smooth_ground(
    curves: Any, kind: str, ground: str
) -> None:
    assert curves[kind, ground][-1] < 0.5 * curves["random", ground][-1]
    assert curves[kind, ground][-1] < 0.5 * curves["best_of", ground][-1]


def test_breeding_from_children_beats_random_search(curves: Any) -> None:
    """Averages of four founders are few dimensions, in which random search is strong."""
    for ground in ("sphere", "rastrigin", "items"):
        assert curves["darwin", ground][-1] < curves["random", ground][-1]
    assert curves["steady_state", "rastrigin"][-1] < curves["random", "rastrigin"][-1]


@pytest.mark.parametrize("kind", RUNS)
def test_regret_falls(curves: Any, kind: str) -> None:
    for ground in ("sphere", "rastrigin", "items"):
        early, _, late = curves[kind, ground]
        assert 0 <= late <= early
