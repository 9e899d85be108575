"""Karcher mean: the point of the sphere with the least squared angles to the models' directions.

Karcher, "Riemannian center of mass and mollifier smoothing", 1977; for models arXiv 2603.04972.
All steps stay in the span of the directions, so they are taken on the weights of these.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speciate.configs.operators.averaging import Karcher
from speciate.population.operators.averaging.sphere import (
    SOME_AND_PERHAPS_BASE,
    combination,
    mean_direction,
    norms_and_cosines,
    on_sphere,
)
from speciate.population.operators.operator import Locus, Operator, View
from speciate.population.operators.shares import check_shares, shares

Vector = NDArray[np.float64]

_NO_ANGLE = 1e-6


def karcher_direction(
    start: Vector, weights: Sequence[float], cosines: Vector, steps: int, tolerance: float
) -> Vector:
    """The Karcher mean of unit vectors, as weights of these.

    Args:
        start: Weights of the direction to begin with.
        weights: Of the unit vectors, not negative; the vectors that are zero count nothing.
        cosines: Between the unit vectors, (N, N).
        steps: How many are taken at most.
        tolerance: Length of a step that is the last.
    """
    pull = np.where(np.diag(cosines) > 0, weights, 0.0)
    pull /= pull.sum()
    direction = start
    for _ in range(steps):
        tangent = _tangent(direction, pull, cosines)
        length = _length(tangent, cosines)
        if length < tolerance:
            break
        direction = math.cos(length) * direction + math.sin(length) / length * tangent
        direction /= _length(direction, cosines)
    return direction


def _tangent(direction: Vector, pull: Vector, cosines: Vector) -> Vector:
    """The mean of the tangents towards the vectors, as long as the angles to them."""
    cosine = np.clip(cosines @ direction, -1, 1)
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    # There is no one way to the opposite point, and none is needed to the point itself.
    apart = sine > _NO_ANGLE
    factors = np.divide(np.arctan2(sine, cosine), sine, out=np.zeros_like(sine), where=apart)
    drawn = pull * factors
    tangent: Vector = drawn - float(drawn @ cosine) * direction
    return tangent


def _length(combined: Vector, cosines: Vector) -> float:
    return math.sqrt(max(float(combined @ cosines @ combined), 0.0))


def measure(view: View, parameters: Karcher, _: None) -> Sequence[float]:
    """Weights of the vectors."""
    norms, cosines = norms_and_cosines(view)
    weights = shares(parameters.weights, view.place, len(norms))
    start = mean_direction(weights, cosines, view.place)
    if start is None:
        return weights
    steps, tolerance = parameters.max_iterations, parameters.tolerance
    direction = karcher_direction(start, weights, cosines, steps, tolerance)
    return on_sphere(direction, weights, norms)


def merge(locus: Locus, _: Karcher, weights: Sequence[float]) -> Tensor:
    """The sum of w_i |x_i|, times the Karcher mean of the directions x_i / |x_i|."""
    return combination(locus, weights)


def check(parameters: Karcher, count: int) -> None:
    """One weight a model, not all of them 0.

    Raises:
        ConfigError: The number of weights differs, or all are 0.
    """
    check_shares(parameters.weights, count)


OPERATOR = Operator(
    "karcher",
    "averaging",
    SOME_AND_PERHAPS_BASE,
    Karcher,
    merge,
    measure=measure,
    check=check,
    paper="Karcher, 1977; arXiv 2603.04972",
    symmetric=True,
)
