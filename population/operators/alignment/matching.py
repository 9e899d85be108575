"""Permutations under which the units of one model are nearest to those of another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Similarity = NDArray[np.float64]
Order = NDArray[np.int64]

_GAIN = 1e-12


def match(a: Sequence[Tensor], b: Sequence[Tensor]) -> Order:
    """The order p for which the sum of |a_i - b_i[p]|^2 is least, found exactly.

    Args:
        a: Tensors whose first dimension counts the n units.
        b: Tensors of the same shapes.

    Returns:
        Of shape (n,): for each unit of `a` its counterpart among those of `b`. The order stays
        as it is where no other is better.
    """
    return assigned(np.sum([similarity(x, y) for x, y in zip(a, b, strict=True)], axis=0))


def similarity(a: Tensor, b: Tensor) -> Similarity:
    """Inner products (n, n) of the units of two tensors, n their first dimension."""
    left, right = (x.reshape(len(x), x.numel() // max(len(x), 1)).double() for x in (a, b))
    products: Similarity = (left @ right.T).cpu().numpy()
    return products


def assigned(similarities: Similarity) -> Order:
    """The order of greatest total similarity (linear assignment), or none if it gains nothing."""
    # Here, because it takes as long to import as torch and only this operator needs it.
    from scipy.optimize import linear_sum_assignment

    stay = np.arange(len(similarities))
    _, order = linear_sum_assignment(similarities, maximize=True)
    gain = similarities[stay, order].sum() - similarities.trace()
    noise = _GAIN * np.abs(similarities).max(initial=0)
    return order.astype(np.int64) if gain > noise else stay


def match_groups(heads: Similarity, groups: Similarity) -> tuple[Order, Order]:
    """The best order of groups of heads, together with the best one of the heads in each group.

    Exact: the best order within a pair of groups does not depend on what the others do.

    Args:
        heads: Similarities (H, H) of query heads, those of a group next to each other.
        groups: Similarities (G, G) of what the heads of a group share, G a divisor of H.

    Returns:
        Orders of shape (H,) and (G,).
    """
    size, count = len(heads) // len(groups), len(groups)
    blocks = heads.reshape(count, size, count, size).transpose(0, 2, 1, 3)
    inner = [[assigned(block) for block in row] for row in blocks]
    within = np.array(
        [
            [block[np.arange(size), order].sum() for block, order in zip(*pair, strict=True)]
            for pair in zip(blocks, inner, strict=True)
        ]
    )
    outer = assigned(groups + within)
    order = [other * size + inner[group][other] for group, other in enumerate(outer)]
    return np.concatenate(order), outer
