"""WUDI-Merging, whoever started the interference should end it (arXiv 2503.08099)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from speciate.configs.operators.spectral import Wudi
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator
from speciate.population.operators.spectral import combine
from speciate.population.operators.spectral.svd import svd
from speciate.population.operators.stages import dot, total


def least_interference(
    vectors: Sequence[Tensor], weights: Sequence[float], tolerance: float
) -> Tensor:
    """The t that minimises sum_i w_i |(t - tau_i) tau_i'|^2 / |tau_i|^2, nearest to sum tau_i.

    It solves t sum_i w_i G_i = sum_i w_i tau_i G_i with G_i = tau_i' tau_i / |tau_i|^2. Found
    from the rows of all tau_i rather than from the G_i, whose condition is the square of theirs.

    Args:
        vectors: The tau_i, of one shape (rows, columns).
        weights: The w_i, not negative.
        tolerance: Directions with singular values up to this fraction of the largest are taken
            as reached by no tau_i.
    """
    norms = [math.sqrt(dot(vector, vector)) for vector in vectors]
    factors = [
        math.sqrt(w) / norm if norm > 0 else 0.0 for w, norm in zip(weights, norms, strict=True)
    ]
    used = [(vector.double(), f) for vector, f in zip(vectors, factors, strict=True) if f > 0]
    if not used:
        return torch.zeros_like(vectors[0])
    start = total([vector for vector, _ in used])
    left, values, right = svd(torch.cat([vector * f for vector, f in used]), tolerance)
    missed = torch.cat([(vector - start) @ (vector * f).T for vector, f in used], dim=1)
    return start + missed @ left / values @ right


def merge(locus: Locus, parameters: Wudi, _: None) -> Tensor:
    """The base plus `scale` times the task vector of least interference."""
    return combine.combined(
        locus,
        parameters,
        parameters.weights,
        lambda vectors, weights: least_interference(vectors, weights, parameters.tolerance),
    )


def check(parameters: Wudi, count: int) -> None:
    """Weights that fit.

    Raises:
        ConfigError: The number of weights differs, or all are 0 where there are means.
    """
    combine.check(parameters, parameters.weights, count)


OPERATOR: Operator[Wudi, None] = Operator(
    "wudi",
    "spectral",
    BASE_AND_MODELS,
    Wudi,
    merge,
    grain=Grain.MATRIX,
    check=check,
    paper="arXiv 2503.08099",
    symmetric=True,
)
