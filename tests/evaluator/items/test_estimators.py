"""Estimators: their equations, exact where all is asked, near where little is, and refusals."""

from typing import Any

import numpy as np
import pytest

from speciate.errors import TaskError
from speciate.evaluator.items.anchors import Anchors, random_anchors
from speciate.evaluator.items.estimators import (
    NAMES,
    estimate,
    measured_mixing,
    mixed,
    mixing_constant,
    mp_irt,
    p_irt,
    weighted,
)
from speciate.population.randomness import stream

FEW = Anchors(np.array([0, 3]), np.array([0.75, 0.25]), 4)
EXPECTED = np.array([0.9, 0.5, 0.1, 0.9])


def test_equations() -> None:
    assert weighted(FEW, [1.0, 0.0]) == pytest.approx(0.75)
    assert p_irt(FEW, [1.0, 0.0], EXPECTED) == pytest.approx(2 / 4 * 0.5 + 2 / 4 * 0.3)
    assert mp_irt(FEW, [1.0, 0.0], EXPECTED) == pytest.approx(2 / 4 * 0.75 + 2 / 4 * 0.3)
    assert mixed(0.4, 0.8, 0.25) == pytest.approx(0.7)


def test_the_better_side_counts_more() -> None:
    assert mixing_constant(0.1, 0.01) == pytest.approx(0.5)
    assert mixing_constant(0.0, 0.01) == 0
    assert mixing_constant(0.1, 0.0) == 1
    assert mixing_constant(0.0, 0.0) == 0.5
    full = np.array([0.5, 0.6])
    assert measured_mixing(full + 0.1, full - 0.2, full) == pytest.approx(0.8)


@pytest.mark.parametrize("name", NAMES)
def test_all_items_asked_is_the_mean(name: str, population: Any) -> None:
    anchors = random_anchors(300, 300, stream(0, "anchors"))
    answers, parents = population.children[3], population.fitted.theta[:2]
    found = estimate(name, population.fitted.items, anchors, answers, parents)
    assert found == pytest.approx(answers.mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_fifth_of_the_items_is_near_the_mean(name: str, population: Any) -> None:
    anchors = random_anchors(300, 60, stream(0, "anchors"))
    parents = population.fitted.theta[:2]
    errors = [
        estimate(name, population.fitted.items, anchors, answers[anchors.items], parents)
        - answers.mean()
        for answers in population.children
    ]
    assert np.abs(errors).mean() < 0.06


def test_parents_help(population: Any) -> None:
    """Of models between two parents, ten answers tell more than of models that may be anything."""
    parents = population.fitted.theta[:2]
    errors: dict[str, list[float]] = {"weighted": [], "mp_irt": []}
    for seed in range(20):
        anchors = random_anchors(300, 10, stream(seed, "anchors"))
        for name, answers in ((n, a) for n in errors for a in population.children):
            found = estimate(
                name, population.fitted.items, anchors, answers[anchors.items], parents
            )
            errors[name].append(abs(found - answers.mean()))
    assert np.mean(errors["mp_irt"]) < 0.8 * np.mean(errors["weighted"])


def test_refusals_are_one_clear_line(population: Any) -> None:
    items = population.fitted.items
    anchors = random_anchors(300, 2, stream(0, "anchors"))
    with pytest.raises(TaskError, match="no estimator 'best'"):
        estimate("best", items, anchors, [0.0, 1.0])
    with pytest.raises(TaskError, match="gmp_irt needs the parents"):
        estimate("gmp_irt", items, anchors, [0.0, 1.0])
    with pytest.raises(TaskError, match="1 answers to 2 anchors"):
        estimate("weighted", items, anchors, [0.0, np.nan])
    with pytest.raises(TaskError, match="3 answers to 2 anchors"):
        estimate("p_irt", items, anchors, [0.0, 1.0, 1.0])
    with pytest.raises(TaskError, match="anchors of 4 items, but 300 fitted"):
        estimate("p_irt", items, FEW, [0.0, 1.0])
    with pytest.raises(TaskError, match="0 and 0 models"):
        measured_mixing([], [], [])
