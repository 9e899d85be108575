"""Predictions against outcomes: the figures are those of numpy, and the state stays small."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from speciate.agents.calibration import KEPT, sentence, summary, told

ARM = "breeder@local:linear"


def test_the_figures_are_those_of_all_predictions() -> None:
    random = np.random.default_rng(0)
    fitness = 0.5 + 1e-3 * random.normal(size=500)
    said = fitness + 0.03 + 1e-3 * random.normal(size=500)
    state: Mapping[str, Any] = {}
    for prediction, outcome in zip(said.tolist(), fitness.tolist(), strict=True):
        state = told(state, ARM, prediction, outcome, None)
    (row,) = summary(state, 0.03)
    assert (row.arm, row.count, row.brier) == (ARM, 500, None)
    assert row.bias == pytest.approx(float(np.mean(said - fitness)))
    assert row.error == pytest.approx(float(np.mean(np.abs(said - fitness))))
    assert row.correlation == pytest.approx(np.corrcoef(said, fitness)[0, 1], abs=1e-6)
    assert row.within == np.mean(np.abs(said - fitness)[-KEPT:] <= 0.03)
    assert len(state["pairs"]) == KEPT
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 25_000
    assert sentence(state, ARM).startswith("Your predictions (500) were too high by 0.03 on")


def brier(claims: list[tuple[float, float, float]]) -> float | None:
    state: Mapping[str, Any] = {}
    for prediction, outcome, parent in claims:
        state = told(state, ARM, prediction, outcome, parent)
    return summary(state, 0.0)[0].brier


def test_the_brier_score_is_that_of_the_chance_to_beat_the_best_parent() -> None:
    assert brier([(0.6, 0.6, 0.5), (0.4, 0.4, 0.5)]) == 0
    assert brier([(0.6, 0.4, 0.5)]) == 1
    # An error of 0.2 is known, so the second claim, half of it above the parent, is one of 69%.
    found = brier([(0.6, 0.4, 0.5), (0.6, 0.7, 0.5)])
    assert found == pytest.approx((1 + (1 - 0.69146) ** 2) / 2, abs=1e-4)


def test_who_always_promises_more_is_worse_calibrated_than_who_knows() -> None:
    random = np.random.default_rng(1)
    children = random.normal(0.5, 0.1, size=200).tolist()
    knows = brier([(child, child + 0.01, 0.5) for child in children])
    boasts = brier([(0.9, child, 0.5) for child in children])
    assert knows is not None
    assert boasts is not None
    assert knows < 0.05 < 0.25 < boasts


def test_arms_are_told_apart_and_nonsense_is_not_counted() -> None:
    state = told({}, "a", 0.5, 0.6, 0.5)
    state = told(state, "b", 0.5, 0.4, 0.5)
    assert told(state, "a", float("nan"), 0.5, 0.5) == state
    assert told(state, "a", float("inf"), 0.5, 0.5) == state
    assert [(row.arm, row.count) for row in summary(state, 0.2)] == [("a", 1), ("b", 1)]
    assert [row.within for row in summary(state, 0.2)] == [1, 1]
    assert [row.correlation for row in summary(state, 0.2)] == [None, None]
    assert "too low by 0.1" in sentence(state, "a")
    assert "too high by 0.1" in sentence(state, "b")
    assert "right on average" in sentence(told({}, "c", 0.5, 0.5, None), "c")
    assert sentence(state, "nobody") == ""
