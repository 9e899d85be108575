"""Several tasks side by side: fitness, and estimates that are those of a single task."""

from typing import Any

import numpy as np
import pytest

from speciate.evaluator.items.estimators import NAMES, estimate
from speciate.evaluator.items.pool import Pool
from speciate.evaluator.items.predictor import Predictor
from speciate.population.randomness import stream

SIZES = {"few": 100, "many": 200}


@pytest.fixture
def pool() -> Pool:
    return Pool.weighted(SIZES, {"many": 1.0, "few": 3.0, "none": 0.0})


def test_fitness_is_the_weighted_mean_of_the_tasks(pool: Pool) -> None:
    assert len(pool) == 300
    answers = pool.joined({"many": [1.0] * 50 + [0.0] * 150, "few": [1.0] * 90 + [0.0] * 10})
    assert answers[:90].all()
    assert pool.fitness(answers) == pytest.approx((3 * 0.9 + 0.25) / 4)


@pytest.mark.parametrize("choice", ["random", "cluster"])
def test_each_task_has_its_share_of_anchors(pool: Pool, population: Any, choice: str) -> None:
    anchors = pool.anchors(0.1, choice, population.items, stream(0, "anchors"))
    assert {task: len(one) for task, one in anchors.items()} == {"few": 10, "many": 20}
    asked = pool.asked(anchors)
    assert (asked[:10] < 100).all()
    assert (asked[10:] >= 100).all()
    assert len(pool.asked(pool.anchors(1e-9, choice, population.items, stream(0, "x")))) == 2


@pytest.mark.parametrize("name", NAMES)
def test_of_one_task_it_is_the_estimator_of_that_name(population: Any, name: str) -> None:
    fitted = population.fitted
    pool = Pool.weighted({"a": 300}, {"a": 2.0})
    anchors = pool.anchors(0.2, "cluster", fitted.items, stream(0, "anchors"))
    one = Predictor(name, pool, fitted.items, anchors, mixing=0.3)
    answers, parents = population.children[3][one.asked], fitted.theta[:2]
    expected = estimate(name, fitted.items, anchors["a"], answers, parents, mixing=0.3)
    assert one.estimate(answers, parents) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "orphan"), [("mp_irt", "p_irt"), ("gmp_irt", "gp_irt")])
def test_who_has_no_parents_has_an_ability_of_its_own(
    population: Any, name: str, orphan: str
) -> None:
    items, pool = population.fitted.items, Pool.weighted({"a": 300}, {"a": 1.0})
    anchors = pool.anchors(0.2, "random", items, stream(0, "anchors"))
    found = []
    for each, parents in ((name, np.zeros((0, 2))), (orphan, population.fitted.theta[:2])):
        one = Predictor(each, pool, items, anchors)
        found.append(one.estimate(population.children[0][one.asked], parents))
    assert found[0] == found[1]


def test_a_task_counts_by_its_weight(pool: Pool, population: Any) -> None:
    """All right on one task and all wrong on the other, as far as was asked."""
    anchors = pool.anchors(0.5, "random", population.items, stream(0, "anchors"))
    one = Predictor("weighted", pool, population.items, anchors)
    assert one.estimate((one.asked < 100).astype(float), np.zeros((0, 2))) == pytest.approx(0.75)
