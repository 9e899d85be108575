"""DARE, drop and rescale ("Language models are super Mario", Yu et al., 2023, arXiv 2311.03099)."""

from torch import Tensor

from speciate.configs.operators import DareLinear
from speciate.population.operators.operator import Locus, Operator, no_context
from speciate.population.operators.stages import drop_and_rescale, weighted_sum
from speciate.population.operators.task_arithmetic import (
    ROLES,
    check,
    onto_base,
    task_vectors,
    weights_of,
)


def sparse_task_vectors(locus: Locus, density: float) -> list[Tensor]:
    """Task vectors with elements dropped at random, each from the stream of its model."""
    return [
        drop_and_rescale(vector, density, locus.stream(number))
        for number, vector in enumerate(task_vectors(locus))
    ]


def merge(locus: Locus, parameters: DareLinear, _: None) -> Tensor:
    """The base plus `scale` times the weighted sum of the sparse task vectors."""
    sparse = sparse_task_vectors(locus, parameters.density)
    return onto_base(locus, parameters, weighted_sum(sparse, weights_of(locus, parameters)))


OPERATOR = Operator("dare_linear", ROLES, DareLinear, merge, no_context, check)
