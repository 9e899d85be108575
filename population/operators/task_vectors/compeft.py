"""ComPEFT: sparse ternary task vectors (Yadav et al., 2023, arXiv 2311.13171)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import ComPeft
from speciate.population.operators.operator import BASE_AND_MODELS, Genome, Locus, Operator
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.stages import dot, task_vectors
from speciate.population.operators.task_vectors.task_arithmetic import combined, onto_base
from speciate.population.operators.weighting import check_densities, check_weights
from speciate.population.structure import Place, at

NOWHERE = Place("", "other", None, 0)


class Code(NamedTuple):
    """How a task vector is written: signs of what a cut keeps, times a number."""

    cut: Cut
    deviation: float


def prepare(genome: Genome, parameters: ComPeft) -> Sequence[Code]:
    """Per model, its largest elements and the standard deviation of all of them."""
    deviations = _deviations(genome)
    densities = [at(parameters.density, NOWHERE, n) for n in range(len(deviations))]
    cuts = largest(genome, task_vectors, densities)
    return [Code(*pair) for pair in zip(cuts, deviations, strict=True)]


def _deviations(genome: Genome) -> list[float]:
    """Unbiased, of the dense task vectors, over the whole model."""
    moments = genome.map(lambda locus: [_moments(vector) for vector in task_vectors(locus)])
    return [_deviation(model) for model in zip(*moments, strict=True)]


def _moments(vector: Tensor) -> tuple[float, float, int]:
    return float(vector.sum(dtype=torch.float64)), dot(vector, vector), vector.numel()


def _deviation(moments: Sequence[tuple[float, float, int]]) -> float:
    sums, squares, counts = zip(*moments, strict=True)
    size, whole = sum(counts), math.fsum(sums)
    variance = (math.fsum(squares) - whole * whole / size) / max(size - 1, 1)
    return math.sqrt(max(variance, 0.0))


def merge(locus: Locus, parameters: ComPeft, codes: Sequence[Code]) -> Tensor:
    """The base plus `scale` times the weighted sum of the ternary task vectors."""
    ternary = [
        code.cut.trim(locus, vector).sign_().mul_(code.deviation)
        for code, vector in zip(codes, task_vectors(locus), strict=True)
    ]
    return onto_base(locus, parameters, combined(locus, parameters, ternary))


def check(parameters: ComPeft, count: int) -> None:
    """One weight and one density a model.

    Raises:
        ConfigError: The numbers differ.
    """
    check_weights(parameters.weights, count)
    check_densities(parameters.density, count)


OPERATOR = Operator(
    "compeft",
    "task_vectors",
    BASE_AND_MODELS,
    ComPeft,
    merge,
    prepare=prepare,
    check=check,
    paper="arXiv 2311.13171",
    symmetric=True,
)
