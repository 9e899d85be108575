"""DARE's random sparse task vectors (arXiv 2311.03099), combined as TIES does (2306.01708)."""

from torch import Tensor

from speciate.configs.operators import DareTies
from speciate.population.operators.dare_linear import sparse_task_vectors
from speciate.population.operators.operator import Locus, Operator, no_context
from speciate.population.operators.stages import agreeing_mean
from speciate.population.operators.task_arithmetic import ROLES, check, onto_base, weights_of


def merge(locus: Locus, parameters: DareTies, _: None) -> Tensor:
    """The base plus `scale` times the mean of what has the elected sign after dropping."""
    sparse = sparse_task_vectors(locus, parameters.density)
    return onto_base(locus, parameters, agreeing_mean(sparse, weights_of(locus, parameters)))


OPERATOR = Operator("dare_ties", ROLES, DareTies, merge, no_context, check)
