"""DARE's random sparse task vectors (arXiv 2311.03099), combined as TIES does (2306.01708)."""

from torch import Tensor

from speciate.configs.operators.task_vectors import DareTies
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator, View
from speciate.population.operators.task_vectors.dare_linear import check, dropped
from speciate.population.operators.task_vectors.dropping import (
    Drop,
    Drops,
    norm_factors,
    sparse_task_vectors,
)
from speciate.population.operators.task_vectors.election import elect_and_merge, elected_majority


def measure(view: View, parameters: DareTies, _: None, drop: Drop = dropped) -> Drops:
    """The factors that restore norms, and the sign to elect where what was kept cancels."""
    factors = norm_factors(view, parameters, drop)
    majority = elected_majority(
        view, parameters, lambda locus: sparse_task_vectors(locus, parameters, drop, factors)
    )
    return Drops(factors, majority)


def merge(locus: Locus, parameters: DareTies, drops: Drops, drop: Drop = dropped) -> Tensor:
    """The base plus `scale` times the mean of what has the elected sign after dropping."""
    sparse = sparse_task_vectors(locus, parameters, drop, drops.factors)
    return elect_and_merge(locus, parameters, sparse, drops.majority)


OPERATOR = Operator(
    "dare_ties",
    "task_vectors",
    BASE_AND_MODELS,
    DareTies,
    merge,
    measure=measure,
    check=check,
    paper="arXiv 2311.03099 and 2306.01708",
    # What is dropped is multiplied by 0, which leaves NaN.
    dense=True,
    symmetric=True,
)
