"""Simulated models and items whose answers are all known, and tables of what is measured on them.

Items and abilities are drawn from a two-parameter logistic model in three dimensions. Of 100 models
all answers are known: 60 founders and 40 of their children; 100 new children of these come after.
"""

from dataclasses import dataclass

import numpy as np
from evolution.summary import row
from scipy.special import expit

from speciate.evaluator.items import Indices, Reals
from speciate.population.randomness import stream

SEEDS = range(5)
ITEMS, NEW, TRUE_DIMENSIONS = 1000, 100, 3


@dataclass(frozen=True)
class Setting:
    """What is simulated, and in how many dimensions it is fitted.

    Attributes:
        spread: Of abilities; a quarter is a population that has become alike.
        guess: Chance of a right answer without ability, of which the fitted model knows nothing.
        known: Models of which all answers are known: 60% founders, the rest their children.
        dimensions: Of the fit.
        novelty: How far children lie from the line between their parents, in standard deviations
            of founders.
    """

    spread: float = 1.0
    guess: float = 0.0
    known: int = 100
    dimensions: int = TRUE_DIMENSIONS
    novelty: float = 0.2

    @property
    def founders(self) -> int:
        """They come first."""
        return round(0.6 * self.known)

    @property
    def fitted(self) -> int:
        """Models that items are fitted to; the known ones after them tell the mixing constant."""
        return round(0.8 * self.known)

    @property
    def models(self) -> int:
        """All, the last 100 of them new."""
        return self.known + NEW


SETTINGS = {
    "wide": Setting(),
    "alike: a quarter of the spread": Setting(spread=0.25),
    "10 models known": Setting(known=10),
    "20 models known": Setting(known=20),
    "40 models known": Setting(known=40),
    "answers guessed right with 25%": Setting(guess=0.25),
    "children far from their parents": Setting(novelty=0.6),
    "fitted in 1 dimension": Setting(dimensions=1),
    "fitted in 6 dimensions": Setting(dimensions=6),
}
RACED = ("wide", "alike: a quarter of the spread", "10 models known")


@dataclass(frozen=True)
class World:
    """Simulated answers (models, 1000), the two parents of each child, and their mean scores."""

    seed: int
    setting: Setting
    answers: Reals
    parents: Indices
    full: Reals


def simulate(seed: int, setting: Setting) -> World:
    """One world: abilities half shared by all dimensions; each item mainly asks for one of them."""
    random = stream(seed, "bench", "items")

    def normal(*shape: int) -> Reals:
        return random.normal(shape).numpy().astype(np.float64)

    theta = np.sqrt(0.5) * (normal(setting.models, TRUE_DIMENSIONS) + normal(setting.models, 1))
    parents = np.zeros((setting.models, 2), dtype=np.int64)
    for child in range(setting.founders, setting.models):
        pool = setting.founders if child < setting.known else setting.fitted
        parents[child] = random.shuffle(range(pool))[:2]
        share = random.uniform(1)[0]
        middle = share * theta[parents[child, 0]] + (1 - share) * theta[parents[child, 1]]
        theta[child] = middle + setting.novelty * normal(TRUE_DIMENSIONS)
    alpha = 0.3 * np.abs(normal(ITEMS, TRUE_DIMENSIONS))
    alpha[np.arange(ITEMS), np.arange(ITEMS) % TRUE_DIMENSIONS] += np.exp(0.4 * normal(ITEMS))
    p = expit(setting.spread * theta @ alpha.T - 1.2 * normal(ITEMS))
    p = setting.guess + (1 - setting.guess) * p
    answers = (random.uniform(p.size).reshape(p.shape) < p).astype(np.float64)
    return World(seed, setting, answers, parents, answers.mean(axis=1))


def best(values: Reals, k: int) -> set[int]:
    """The k best models; of equals, the first."""
    return set(np.argsort(-values, kind="stable")[:k].tolist())


def spread(values: Reals, digits: int = 3) -> str:
    """Mean and range over seeds."""
    return f"{values.mean():.{digits}f} [{values.min():.{digits}f}, {values.max():.{digits}f}]"


def header(*cells: str) -> None:
    """Its first two lines."""
    print()
    row(*cells)
    row(*["---"] * len(cells))
