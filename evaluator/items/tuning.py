"""How much the items' discriminations may differ, judged by answers that the fit did not see."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from speciate.evaluator.items import Reals, Stream, checked
from speciate.evaluator.items.irt import Fit, fit

SPREADS = (0.03, 0.1, 0.3, 1.0)
HIDDEN = 0.1
# Enough to tell spreads apart; the last fit is carried to its end.
ITERATIONS = 100


def tuned_fit(answers: ArrayLike, dimensions: int, stream: Stream) -> Fit:
    """Fits with the spread that `tuned_spread` finds; its arguments and errors."""
    return fit(answers, dimensions, tuned_spread(answers, dimensions, stream))


def tuned_spread(answers: ArrayLike, dimensions: int, stream: Stream) -> float:
    """The spread of `SPREADS` that foretells a tenth of the answers best.

    Few models, or models that are alike, tell little of an item: then a small spread, with which
    nearly all items discriminate alike, is better.

    Args:
        answers: Shape (M, N), NaN where not asked.
        dimensions: D, below M.
        stream: Of the choice of the answers that are hidden.

    Raises:
        ModelError: There are too few models.
        TaskError: There are too few items, an item was asked of no model, or an answer is not in
            [0, 1].
    """
    known = checked(answers, 2)
    hidden = _hidden(known, stream)
    seen = np.where(hidden, np.nan, known)
    losses = []
    for spread in SPREADS:
        found = fit(seen, dimensions, spread, ITERATIONS)
        losses.append(_loss(known[hidden], found.items.probabilities(found.theta)[hidden]))
    return SPREADS[int(np.argmin(losses))]


def _hidden(answers: Reals, stream: Stream) -> Reals:
    """Which answers to hide, bool of shape (M, N); none of an item that would have none left."""
    asked = ~np.isnan(answers)
    drawn = (stream.uniform(answers.size).reshape(answers.shape) < HIDDEN) & asked
    left: Reals = (asked & ~drawn).any(axis=0)
    return np.asarray(drawn & left)


def _loss(answers: Reals, expected: Reals) -> float:
    """Negative log-likelihood."""
    p = np.clip(expected, 1e-9, 1 - 1e-9)
    return float(-(xlogy(answers, p) + xlogy(1 - answers, 1 - p)).sum())
