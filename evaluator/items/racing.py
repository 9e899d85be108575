"""Stops to score a candidate as soon as it can no longer be selected.

The candidate is compared, item by item, with the worst incumbent that would still be selected. Its
items come in random order. While its true mean over all N items is not below the incumbent's, the
capital of a gambler who bets against it is a supermartingale, which ever reaches 1 / error with at
most that probability (Ville, 1939). So one may look after every item. Bets are those of
Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2023), for
sampling without replacement, one-sided, of the size they call aGRAPA.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from speciate.errors import TaskError
from speciate.evaluator.items import Indices, Reals, Stream

ERROR = 0.05
# Largest share of the capital that a bet may lose.
STAKE = 0.75
# Sums of float64 values near 1 are exact to much less.
SLACK = 1e-9


def item_order(total: int, stream: Stream) -> Indices:
    """All items in random order, int64 of shape (total,).

    The stream must be keyed by the candidate: its order may depend on nothing that is known of its
    answers, nor may the candidate have been bred from what another race in this order showed.
    """
    return np.array(stream.shuffle(range(total)), dtype=np.int64)


def still_possible(
    candidate: ArrayLike,
    incumbent: ArrayLike,
    total: int,
    error: float = ERROR,
    bound: float = 1.0,
) -> bool:
    """Whether the candidate may, over all items, be as good as the incumbent.

    A candidate as good as the incumbent is dropped at any time with probability at most `error`
    over the order of items; nothing is assumed of models and items. Once all items are given the
    answer is exact.

    Args:
        candidate: Its values on the items asked so far, shape (t,), higher is better.
        incumbent: The incumbent's on the same items, shape (t,).
        total: N, all items.
        error: In (0, 1), for this one comparison.
        bound: Largest difference that two values can have.

    Raises:
        TaskError: The two were not asked the same number of items, or more than there are, values
            differ by more than `bound` or are missing, or the error is not in (0, 1).
    """
    differences = _differences(candidate, incumbent, total, bound)
    if len(differences) == total:
        return math.fsum(differences) >= -SLACK
    return stopping_time(candidate, incumbent, total, error, bound) is None


def stopping_time(
    candidate: ArrayLike,
    incumbent: ArrayLike,
    total: int,
    error: float = ERROR,
    bound: float = 1.0,
) -> int | None:
    """After how many items the candidate was out, or None; arguments of `still_possible`."""
    differences = _differences(candidate, incumbent, total, bound)
    if not 0 < error < 1:
        raise TaskError(f"items: an error probability of {error} is not between 0 and 1")
    lost = np.cumsum(differences)
    rest = total - np.arange(1, len(differences) + 1)
    out = (lost + rest * bound < -SLACK) | (
        log_capital(differences / bound, total) >= -math.log(error)
    )
    return int(np.argmax(out)) + 1 if out.any() else None


def log_capital(differences: Reals, total: int) -> Reals:
    """Logarithm of the gambler's capital after each item, from 0.

    Args:
        differences: Candidate minus incumbent in [-1, 1], in the order asked, shape (t,).
        total: N, all items.

    Returns:
        Float64 of shape (t,).
    """
    x = (differences + 1) / 2
    count = np.arange(1, len(x) + 1)
    before = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    # Mean of the items left if the two were equal over all of them; what was drawn is drawn.
    fair = (total / 2 - before) / (total - count + 1)
    # Estimates before each item, with half a success and a variance of 1/4 as if seen before.
    mean = (0.5 + before) / count
    square = 0.25 + np.concatenate(
        [[0.0], np.cumsum((x - (0.5 + np.cumsum(x)) / (count + 1)) ** 2)]
    )
    variance = square[:-1] / count
    gain = fair - mean
    bet = gain / (variance + gain**2)
    bet = np.clip(bet, 0.0, STAKE / np.maximum(1 - fair, SLACK))
    return np.cumsum(np.log1p(bet * (fair - x)))


def _differences(candidate: ArrayLike, incumbent: ArrayLike, total: int, bound: float) -> Reals:
    ours, theirs = (np.asarray(x, dtype=np.float64) for x in (candidate, incumbent))
    if ours.ndim != 1 or ours.shape != theirs.shape or len(ours) > total:
        raise TaskError(
            f"items: {ours.size} and {theirs.size} values of {total} items cannot be paired; "
            "give both models' values on the same items"
        )
    differences = ours - theirs
    if not (bound > 0 and np.all(np.abs(differences) <= bound + SLACK)):
        raise TaskError(
            f"items: values are missing or differ by more than {bound}; "
            "raise the bound, or map the metric with `bounded`"
        )
    return np.clip(differences, -bound, bound)
