"""Margins hold on models to come, whatever the estimator, and where too few tell there is none."""

import math
from functools import partial

import numpy as np
import pytest
from scipy.special import expit

from speciate.evaluator.items import Reals
from speciate.evaluator.items.calibration import Calibrated, CrossFit, Known, abilities
from speciate.evaluator.items.estimators import NAMES
from speciate.evaluator.items.pool import Pool
from speciate.population.randomness import stream

ITEMS, FOUNDERS, CHILDREN, NEW = 200, 20, 60, 200
POOL = Pool.weighted({"a": 150, "b": 50}, {"a": 1.0, "b": 2.0})


@pytest.fixture(scope="module")
def models() -> list[Known]:
    """Founders, children, and as many new children, of one dimension and 200 items."""
    rng = np.random.default_rng(0)
    theta = rng.normal(0, 1, FOUNDERS + CHILDREN + NEW)
    parents = rng.integers(0, FOUNDERS, (len(theta), 2))
    theta[FOUNDERS:] = theta[parents[FOUNDERS:]].mean(axis=1) + rng.normal(0, 0.2, CHILDREN + NEW)
    p = expit(np.outer(theta, np.abs(rng.normal(1, 0.3, ITEMS))) - rng.normal(0, 1, ITEMS))
    answers = (rng.uniform(size=p.shape) < p).astype(float)
    return [
        Known(row, [answers[k] for k in pair] if number >= FOUNDERS else (), number >= FOUNDERS)
        for number, (row, pair) in enumerate(zip(answers, parents, strict=True))
    ]


@pytest.fixture(scope="module")
def fitted(models: list[Known]) -> CrossFit:
    known = models[: FOUNDERS + CHILDREN]
    return CrossFit.of(known, POOL, 1, partial(stream, 0, "test"))


def estimates(found: Calibrated, new: list[Known]) -> Reals:
    one = found.predictor
    return np.array(
        [one.estimate(each.answers[one.asked], abilities(one, each.parents)) for each in new]
    )


@pytest.mark.parametrize("choice", ["random", "cluster"])
@pytest.mark.parametrize("name", NAMES)
def test_as_good_as_the_bar_is_seldom_below_the_margin(
    models: list[Known], fitted: CrossFit, name: str, choice: str
) -> None:
    found = fitted.calibrated(name, 0.2, choice, partial(stream, 1, "test"))
    new = models[FOUNDERS + CHILDREN :]
    fitness = np.array([POOL.fitness(one.answers) for one in new])
    values = estimates(found, new)
    assert np.corrcoef(values, fitness)[0, 1] > 0.7
    dropped = []
    for reach in np.quantile(fitness, [0.3, 0.5, 0.7]):
        margin = found.margin(reach, 0.1)
        assert 0 < margin < 0.25
        below = values + margin < reach
        # Margins are made of few models: three standard deviations of both counts.
        assert below[fitness >= reach].mean() <= 0.1 + 3 * math.sqrt(0.09 / 19 + 0.09 / 60)
        dropped.append(below.mean())
    # A margin under which nobody falls would pass too. Half of the models deserve it on average.
    assert np.mean(dropped) > 0.15


def test_only_those_count_whose_answers_were_not_asked_for_their_estimate(
    models: list[Known], fitted: CrossFit
) -> None:
    found = fitted.calibrated("p_irt", 0.2, "random", partial(stream, 1, "test"))
    assert len(found.fitness) == len(found.above) == CHILDREN
    truth = sorted(POOL.fitness(one.answers) for one in models[FOUNDERS : FOUNDERS + CHILDREN])
    assert sorted(found.fitness) == pytest.approx(truth)


def test_a_margin_is_of_those_nearest_to_the_bar(fitted: CrossFit) -> None:
    one = fitted.calibrated("weighted", 0.2, "random", partial(stream, 1, "test")).predictor
    poor, good = np.linspace(0.1, 0.2, 9), np.linspace(0.7, 0.8, 9)
    above = np.concatenate([np.full(9, -0.2), np.arange(9)[::-1] / 100])
    found = Calibrated(one, np.concatenate([poor, good]), above)
    # Nine are asked at an error of 0.2, and the eighth of them is the quantile.
    assert found.margin(0.75, 0.2) == pytest.approx(0.07)
    assert found.margin(0.15, 0.2) == 0.0


def test_a_margin_grows_with_the_bar_as_far_as_estimates_of_good_models_are_too_low(
    fitted: CrossFit,
) -> None:
    one = fitted.calibrated("weighted", 0.2, "random", partial(stream, 1, "test")).predictor
    fitness = np.linspace(0.4, 0.6, 9)
    found = Calibrated(one, fitness, 0.5 * (fitness - 0.5) + 0.01)
    assert [found.margin(reach, 0.2) for reach in (0.5, 0.7)] == pytest.approx([0.01, 0.11])
    turned = Calibrated(one, fitness, -0.5 * (fitness - 0.5) + 0.01)
    assert turned.margin(0.5, 0.2) == turned.margin(0.7, 0.2) > 0.01


@pytest.mark.parametrize(("count", "error"), [(0, 0.5), (18, 0.05), (8, 0.1)])
def test_too_few_tell_no_margin(fitted: CrossFit, count: int, error: float) -> None:
    one = fitted.calibrated("weighted", 0.2, "random", partial(stream, 1, "test")).predictor
    assert Calibrated(one, np.zeros(count), np.zeros(count)).margin(0.5, error) == math.inf
    more = Calibrated(one, np.zeros(count + 1), np.full(count + 1, 0.1))
    assert more.margin(0.5, error) == 0.1


def test_it_is_the_same_each_time(models: list[Known], fitted: CrossFit) -> None:
    again = CrossFit.of(models[: FOUNDERS + CHILDREN], POOL, 1, partial(stream, 0, "test"))
    first, second = (
        each.calibrated("gmp_irt", 0.2, "cluster", partial(stream, 1, "test"))
        for each in (fitted, again)
    )
    assert first.margin(0.5, 0.1) == second.margin(0.5, 0.1)
    assert first.predictor.mixing == second.predictor.mixing
    assert np.array_equal(first.predictor.asked, second.predictor.asked)
