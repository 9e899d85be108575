"""Optimisers on ground whose best place is known; tests/bench/evolution/ground.py has them all."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from landscapes import BEST, GROUNDS, after, regrets

BUDGET = 100
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


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str], list[list[float]]]:
    """Regrets, a list a seed, by strategy and ground."""
    return {
        (kind, ground.__name__): [
            regrets(kind, ground, seed, BUDGET, RUNS[kind]) for seed in range(SEEDS)
        ]
        for ground in GROUNDS
        for kind in RUNS
    }


@pytest.fixture(scope="module")
def curves(runs: Any) -> dict[tuple[str, str], np.ndarray]:
    """Mean regrets after 25, 50 and 100 evaluations."""
    return {
        key: np.mean([after(run, (25, 50, 100)) for run in found], axis=0)
        for key, found in runs.items()
    }


def test_the_optimum_is_that() -> None:
    random = np.random.default_rng(0)
    for ground in GROUNDS:
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
