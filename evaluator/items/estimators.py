"""Estimates of a model's mean over all N items from its answers to n anchors.

weighted, p-IRT and gp-IRT are of tinyBenchmarks (Maia Polo et al., 2024, arXiv 2402.14992); mp-IRT
and gmp-IRT, which take a merged model's ability from its parents', are of MERGE^3 (Mencattini et
al., 2025, arXiv 2502.10436).
"""

import numpy as np
from numpy.typing import ArrayLike

from speciate.errors import TaskError
from speciate.evaluator.items import Reals, checked
from speciate.evaluator.items.anchors import Anchors
from speciate.evaluator.items.irt import ItemModel, ability, inherited

NAMES = ("weighted", "p_irt", "gp_irt", "mp_irt", "gmp_irt")


def estimate(
    name: str,
    items: ItemModel,
    anchors: Anchors,
    answers: ArrayLike,
    parents: Reals | None = None,
    mixing: float = 0.5,
) -> float:
    """One model's mean over all items.

    Args:
        name: Of `NAMES`.
        items: Fitted to models that answered all N items.
        anchors: What was asked.
        answers: To the anchors, in their order, shape (n,).
        parents: Abilities of the K parents, shape (K, D); mp-IRT and gmp-IRT need them.
        mixing: c in [0, 1], the weight of the weighted mean in gp-IRT and gmp-IRT.

    Raises:
        TaskError: There is no such estimator, no parents where they are needed, not one answer in
            [0, 1] an anchor, or the anchors are of other items than were fitted.
    """
    if name not in NAMES:
        raise TaskError(f"items: no estimator '{name}'; choose one of {', '.join(NAMES)}")
    if len(items) != anchors.total:
        raise TaskError(
            f"items: anchors of {anchors.total} items, but {len(items)} fitted; "
            "choose anchors among the items of the fit"
        )
    by_weights = weighted(anchors, answers)
    if name == "weighted":
        return by_weights
    if name in ("p_irt", "gp_irt"):
        theta = ability(items, anchors.items, answers)
        by_model = p_irt(anchors, answers, items.probabilities(theta))
    else:
        if parents is None or not len(parents):
            raise TaskError(f"items: {name} needs the parents' abilities; give them, or use p_irt")
        theta, _ = inherited(items, anchors.items, answers, parents)
        by_model = mp_irt(anchors, answers, items.probabilities(theta))
    return by_model if name in ("p_irt", "mp_irt") else mixed(by_weights, by_model, mixing)


def weighted(anchors: Anchors, answers: ArrayLike) -> float:
    """Sum_i w_i y_i over the anchors."""
    return float((anchors.weights * _asked(anchors, answers)).sum())


def p_irt(anchors: Anchors, answers: ArrayLike, expected: Reals) -> float:
    """(n/N) mean of what was seen + (1 - n/N) mean of what is expected of the rest.

    Args:
        anchors: What was asked.
        answers: To the anchors, shape (n,).
        expected: Answers to all items by the fitted ability, shape (N,).
    """
    return float((_asked(anchors, answers).sum() + _unseen(anchors, expected)) / anchors.total)


def mp_irt(anchors: Anchors, answers: ArrayLike, expected: Reals) -> float:
    """(n/N) Sum_i w_i y_i + (1 - n/N) mean of what is expected of the rest; arguments of p-IRT."""
    seen = len(anchors) * weighted(anchors, answers)
    return float((seen + _unseen(anchors, expected)) / anchors.total)


def mixed(by_weights: float, by_model: float, mixing: float) -> float:
    """gp-IRT, gmp-IRT: c by_weights + (1 - c) by_model."""
    return mixing * by_weights + (1 - mixing) * by_model


def mixing_constant(bias: float, variance: float) -> float:
    """C = b^2 / (b^2 + v): the better a side is known to be, the more it counts (tinyBenchmarks).

    This is the combination of least squared error where the weighted mean has no bias, the IRT
    estimate no variance, and the two err independently. The last is true only roughly, since both
    see the same anchors.

    Args:
        bias: b, error of the IRT estimate.
        variance: v, of the weighted mean.

    Returns:
        A number in [0, 1]; 0.5 if both are 0.
    """
    total = bias**2 + variance
    return bias**2 / total if total > 0 else 0.5


def measured_mixing(by_weights: ArrayLike, by_model: ArrayLike, full: ArrayLike) -> float:
    """The mixing constant from models of which all answers are known and that were not fitted.

    b^2 is the mean squared error of the IRT estimates, and v that of the weighted means. With
    models that were fitted, or that chose the anchors, both come out too small.

    Args:
        by_weights: Weighted means, shape (H,).
        by_model: p-IRT or mp-IRT, shape (H,).
        full: Means over all items, shape (H,).

    Raises:
        TaskError: There is no such model, or the numbers of models differ.
    """
    ours, model, truth = (np.asarray(x, dtype=np.float64) for x in (by_weights, by_model, full))
    if not len(truth) or not len(ours) == len(model) == len(truth):
        raise TaskError(
            f"items: estimates of {len(ours)} and {len(model)} models cannot be held against "
            f"{len(truth)} full scores; give one of each for at least one model"
        )
    bias = float(np.sqrt(np.mean((model - truth) ** 2)))
    return mixing_constant(bias, float(np.mean((ours - truth) ** 2)))


def _asked(anchors: Anchors, answers: ArrayLike) -> Reals:
    known = checked(answers, 1)
    if len(known) != len(anchors) or np.isnan(known).any():
        given = int((~np.isnan(known)).sum())
        raise TaskError(f"items: {given} answers to {len(anchors)} anchors; ask every anchor")
    return known


def _unseen(anchors: Anchors, expected: Reals) -> float:
    """Sum of what is expected of the items that were not asked."""
    rest = np.ones(anchors.total, dtype=bool)
    rest[anchors.items] = False
    return float(expected[rest].sum())
