"""The spread of discriminations: smaller where little is known, large where items do differ."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from speciate.errors import ModelError
from speciate.evaluator.items import Reals, tuning
from speciate.evaluator.items.irt import fit
from speciate.evaluator.items.tuning import SPREADS, tuned_fit
from speciate.population.randomness import stream


def simulated(models: int, discriminations: Reals) -> Reals:
    rng = np.random.default_rng(7)
    theta = rng.normal(0, 1, (models, 1))
    p = expit(theta * discriminations - rng.normal(0, 1, len(discriminations)))
    return (rng.uniform(size=p.shape) < p).astype(float)


@pytest.mark.parametrize(
    ("answers", "spread"),
    [
        (simulated(12, np.full(200, 1.0)), min(SPREADS)),
        (simulated(200, np.tile([0.0, 2.5], 60)), max(SPREADS)),
    ],
    ids=["items alike", "items that differ"],
)
def test_spread_is_that_of_the_items(answers: Reals, spread: float) -> None:
    found = tuned_fit(answers, 1, stream(0, "tuning"))
    assert found.theta.tolist() == fit(answers, 1, spread).theta.tolist()


def test_nothing_is_hidden_twice(population: Any) -> None:
    """An item that one model answered stays in the fit, and what is missing is not foretold."""
    answers = population.answers.copy()
    answers[1:, 0] = np.nan
    hidden = tuning._hidden(answers, stream(0, "tuning"))
    assert not hidden[:, 0].any()
    assert not (hidden & np.isnan(answers)).any()
    assert hidden.mean() == pytest.approx(tuning.HIDDEN, abs=0.02)
    assert np.isfinite(tuned_fit(answers, 2, stream(0, "tuning")).items.beta).all()


def test_too_few_models_are_told() -> None:
    with pytest.raises(ModelError, match="3 models"):
        tuned_fit(np.full((3, 50), 0.5), 1, stream(0, "tuning"))
