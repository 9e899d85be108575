"""MaTS ("Merging by Matching Models in Task Parameter Subspaces", arXiv 2312.04339)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from speciate.configs.operators.statistics import Mats
from speciate.errors import ConfigError
from speciate.population.operators.operator import (
    OPTIONAL,
    SOME,
    Genome,
    Grain,
    Locus,
    Operator,
)
from speciate.population.operators.stages import task_vectors, total
from speciate.population.operators.statistics.gram import fits, shrunk
from speciate.population.operators.statistics.shared import mean, shares, statistics_of
from speciate.population.operators.weighting import check_weights

# What a model's statistics make of a matrix: C_i, linear, symmetric and positive semi-definite.
Curvature = Callable[[Tensor], Tensor]


def prepare(genome: Genome, parameters: Mats) -> None:
    """Whether there is a base, where one is needed.

    Raises:
        ConfigError: The initial merge needs a base and the recipe has none.
    """
    view = next(iter(genome.views()), None)
    if view and parameters.init != "mean" and not view.one(0).tensors.get("base"):
        raise ConfigError(f"init = '{parameters.init}' needs a parent with the role 'base'; add it")


def merge(locus: Locus, parameters: Mats, _: None) -> Tensor:
    """The solution of sum_i C_i(W) = sum_i C_i(W_i); the mean where there are no statistics."""
    weights = shares(locus, parameters.weights)
    curvatures = _curvatures(locus, parameters)
    if curvatures is None:
        return mean(locus.models, weights)
    parts = list(zip(curvatures, weights, strict=True))
    start = _start(locus, parameters, weights).double()
    residual = torch.zeros_like(start)
    for model, (curvature, weight) in zip(locus.models, parts, strict=True):
        residual += curvature(model.double() - start) * weight

    def whole(matrix: Tensor) -> Tensor:
        return total([curvature(matrix) * weight for curvature, weight in parts])

    limits = parameters.max_iterations, parameters.tolerance
    return (start + conjugate_gradients(whole, residual, *limits)).float()


def conjugate_gradients(
    matrix: Curvature, right: Tensor, max_iterations: int, tolerance: float
) -> Tensor:
    """Solves `matrix(x) = right` from x = 0 (Hestenes and Stiefel, 1952).

    Args:
        matrix: Linear, symmetric, positive semi-definite.
        right: Float64, of any shape; in the range of `matrix`.
        max_iterations: Most steps.
        tolerance: Stop when the norm of the residual is this fraction of that of `right`.
    """
    x = torch.zeros_like(right)
    residual = direction = right
    square = _inner(right, right)
    goal = square * tolerance**2
    for _ in range(max_iterations):
        image = matrix(direction)
        curvature = _inner(direction, image)
        # At exact convergence, and in the null space, there is nothing left to divide.
        if square <= goal or curvature <= 0:
            break
        x = x + direction * (square / curvature)
        residual = residual - image * (square / curvature)
        square, before = _inner(residual, residual), square
        direction = residual + direction * (square / before)
    return x


def _inner(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum())


def _start(locus: Locus, parameters: Mats, weights: Sequence[float]) -> Tensor:
    if parameters.init == "mean":
        return mean(locus.models, weights)
    if parameters.init == "base":
        return locus.base
    return locus.base + total(task_vectors(locus)) * parameters.scale


def _curvatures(locus: Locus, parameters: Mats) -> list[Curvature] | None:
    if parameters.form == "diagonal":
        found = statistics_of(locus, "fisher")
        return None if found is None else [_diagonal(fisher) for fisher in found]
    grams = statistics_of(locus, "gram")
    if grams is None or not fits(locus.models[0], grams):
        return None
    inputs = [shrunk(gram, parameters.off_diagonal) for gram in grams]
    if parameters.form == "gram":
        return [_right(one) for one in inputs]
    outputs = statistics_of(locus, "gram_out")
    if outputs is None or not fits(locus.models[0].T, outputs):
        return None
    factors = [shrunk(gram, parameters.off_diagonal) for gram in outputs]
    return [_both(one, other) for one, other in zip(inputs, factors, strict=True)]


def _diagonal(fisher: Tensor) -> Curvature:
    exact = fisher.double()
    return lambda matrix: matrix * exact


def _right(inputs: Tensor) -> Curvature:
    return lambda matrix: matrix @ inputs


def _both(inputs: Tensor, outputs: Tensor) -> Curvature:
    return lambda matrix: outputs @ matrix @ inputs


def check(parameters: Mats, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


OPERATOR: Operator[Mats, None] = Operator(
    name="mats",
    family="statistics",
    roles={"base": OPTIONAL, "model": SOME, "statistics": SOME},
    parameters=Mats,
    merge=merge,
    grain=Grain.MATRIX,
    prepare=prepare,
    check=check,
    paper="Merging by Matching Models in Task Parameter Subspaces, arXiv 2312.04339",
    statistics=("gram", "gram_out", "fisher"),
    symmetric=True,
)
