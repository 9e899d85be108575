"""A small population of models whose items and abilities are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit

from speciate.evaluator.items import Reals
from speciate.evaluator.items.irt import Fit, ItemModel, fit


@dataclass(frozen=True)
class Population:
    """Forty fitted models and twenty children of the first two, in two dimensions, 300 items."""

    items: ItemModel
    theta: Reals
    answers: Reals
    children: Reals
    fitted: Fit


@pytest.fixture(scope="session")
def population() -> Population:
    rng = np.random.default_rng(0)
    items = ItemModel(np.abs(rng.normal(1, 0.5, (300, 2))), rng.normal(0, 1, 300))
    theta = rng.normal(0, 1, (40, 2))
    shares = rng.uniform(0, 1, (20, 1))
    between = shares * theta[0] + (1 - shares) * theta[1]
    both = np.vstack([theta, between])
    p = expit(both @ items.alpha.T - items.beta)
    answers = (rng.uniform(size=p.shape) < p).astype(float)
    return Population(items, theta, answers[:40], answers[40:], fit(answers[:40], 2))
