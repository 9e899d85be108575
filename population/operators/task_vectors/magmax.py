"""MagMax (Marczak et al., 2024, arXiv 2407.06322)."""

from functools import reduce

from torch import Tensor

from speciate.configs.operators.task_vectors import MagMax, Weighted
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import as_numbers, task_vectors, weighted
from speciate.population.operators.task_vectors.task_arithmetic import onto_base
from speciate.population.operators.weighting import check_weights, weights_at


def merge(locus: Locus, parameters: MagMax, _: None) -> Tensor:
    """The base plus `scale` times, of each element, the largest of the weighted task vectors."""
    vectors = weighted(task_vectors(locus), weights_at(parameters.weights, locus))
    return onto_base(locus, parameters, reduce(_larger, vectors))


def _larger(one: Tensor, two: Tensor) -> Tensor:
    """Of each pair of elements the larger in magnitude; of equal ones the second."""
    second = as_numbers(two.abs() >= one.abs())
    return two * second + one * (1 - second)


def check(parameters: Weighted, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


OPERATOR = Operator(
    "magmax",
    "task_vectors",
    BASE_AND_MODELS,
    MagMax,
    merge,
    check=check,
    paper="arXiv 2407.06322",
)
