"""Linear algebra on Gram matrices, in float64, for RegMean and its relatives."""

from collections.abc import Sequence

import torch
from torch import Tensor

from speciate.population.operators.statistics.shared import mean


def shrunk(gram: Tensor, off_diagonal: float) -> Tensor:
    """The sum of a G and (1 - a) diag(G), in float64, for a in [0, 1].

    It is positive semi-definite if G is.
    """
    result = gram.double() * off_diagonal
    result.diagonal().copy_(gram.diagonal())
    return result


def fits(weight: Tensor, grams: Sequence[Tensor]) -> bool:
    """Whether a weight (out, in) is a matrix to which all Gram matrices (in, in) belong."""
    return weight.dim() == 2 and all(tuple(g.shape) == (weight.shape[1],) * 2 for g in grams)


def solve(
    weights: Sequence[Tensor],
    grams: Sequence[Tensor],
    shares: Sequence[float],
    off_diagonal: float,
    jitter: float,
) -> Tensor:
    """The W that minimises sum_i s_i |X_i (W - W_i)'|^2, with X_i'X_i/n_i = G_i.

    Solved for the difference from the mean of the W_i. So equal weights give themselves exactly,
    and directions in which no model had inputs keep the mean.

    Args:
        weights: Of shape (out, in), one a model.
        grams: Of shape (in, in), one a model.
        shares: One a model; they sum to 1.
        off_diagonal: Factor of the off-diagonal elements of each G_i.
        jitter: Added to the diagonal of sum_i s_i G_i, in units of its mean.

    Returns:
        Float32 of shape (out, in).
    """
    middle = mean([weight.double() for weight in weights], shares)
    whole, right = torch.zeros_like(grams[0], dtype=torch.float64), torch.zeros_like(middle)
    for weight, gram, share in zip(weights, grams, shares, strict=True):
        part = shrunk(gram, off_diagonal) * share
        whole += part
        right += (weight.double() - middle) @ part
    whole.diagonal().add_(jitter * whole.diagonal().mean())
    return (middle + _divided(right, whole)).float()


def _divided(right: Tensor, whole: Tensor) -> Tensor:
    """`right` times the inverse of the symmetric `whole`, or its pseudo-inverse."""
    factor, failed = torch.linalg.cholesky_ex(whole)
    if int(failed) == 0:
        solution: Tensor = torch.cholesky_solve(right.T, factor)
        return solution.T
    inverse: Tensor = torch.linalg.pinv(whole, hermitian=True)
    return right @ inverse
