"""Task arithmetic ("Editing models with task arithmetic", Ilharco et al., 2022, arXiv 2212.04089).

Also what its relatives share: they change the task vectors or how they are combined.
"""

from torch import Tensor

from speciate.configs.operators.task_vectors import OnBase, TaskArithmetic
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import task_vectors, weighted_sum
from speciate.population.operators.weighting import cancel, check_weights, weights_at
from speciate.population.structure import at


def onto_base(locus: Locus, parameters: OnBase, merged: Tensor) -> Tensor:
    """The base plus `scale`, at this place, times the merged task vector."""
    scale = at(parameters.scale, locus.place)
    return locus.base + (merged if scale == 1 else merged * scale)


def combined(locus: Locus, parameters: TaskArithmetic, vectors: list[Tensor]) -> Tensor:
    """The weighted sum of the vectors, divided by the sum of the weights if normalised."""
    weights = weights_at(parameters.weights, locus)
    merged = weighted_sum(vectors, weights)
    if parameters.normalize and not cancel(weights):
        merged *= 1 / sum(weights)
    return merged


def check(parameters: TaskArithmetic, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


def merge(locus: Locus, parameters: TaskArithmetic, _: None) -> Tensor:
    """The base plus `scale` times the sum of w_i (x_i - base)."""
    return onto_base(locus, parameters, combined(locus, parameters, task_vectors(locus)))


OPERATOR = Operator(
    "task_arithmetic",
    "task_vectors",
    BASE_AND_MODELS,
    TaskArithmetic,
    merge,
    check=check,
    paper="arXiv 2212.04089",
    dense=True,
    symmetric=True,
)
