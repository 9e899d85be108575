"""LiNeS: layer-increasing scaling (Wang et al., 2024, arXiv 2410.17146), of task arithmetic."""

from torch import Tensor

from speciate.configs.operators.task_vectors import Lines
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import task_vectors, weighted_sum
from speciate.population.operators.weighting import check_weights, weights_at
from speciate.population.structure import Place


def scale_at(parameters: Lines, place: Place, count: int) -> float:
    """Alpha in the first block, alpha + beta in the last, and a line between."""
    alpha = 1 / count if parameters.alpha is None else parameters.alpha
    beta = 1 - alpha if parameters.beta is None else parameters.beta
    if place.layer is not None:
        return alpha + beta * place.depth
    outside = parameters.before if place.kind == "embedding" else parameters.after
    return alpha if outside is None else outside


def merge(locus: Locus, parameters: Lines, _: None) -> Tensor:
    """The base plus the weighted sum of the task vectors times the scale of its layer."""
    merged = weighted_sum(task_vectors(locus), weights_at(parameters.weights, locus))
    return locus.base + merged.mul_(scale_at(parameters, locus.place, len(locus.models)))


def check(parameters: Lines, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


OPERATOR = Operator(
    "lines",
    "task_vectors",
    BASE_AND_MODELS,
    Lines,
    merge,
    check=check,
    paper="arXiv 2410.17146",
    symmetric=True,
)
