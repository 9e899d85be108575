"""Task arithmetic ("Editing models with task arithmetic", Ilharco et al., 2022, arXiv 2212.04089).

Also what its relatives share: DARE and TIES change the task vectors or how they are combined.
"""

from torch import Tensor

from speciate.configs.operators import TaskArithmetic
from speciate.population.operators.operator import (
    ONE,
    SOME,
    Locus,
    Operator,
    check_weights,
    no_context,
)
from speciate.population.operators.stages import deltas, weighted_sum
from speciate.population.structure import for_module

ROLES = {"base": ONE, "model": SOME}


def task_vectors(locus: Locus) -> list[Tensor]:
    """The models of a locus minus its base."""
    return deltas(locus.tensors["model"], locus.tensors["base"][0])


def weights_of(locus: Locus, parameters: TaskArithmetic) -> tuple[float, ...]:
    """One weight a model: those given, or 1."""
    return parameters.weights or (1.0,) * len(locus.tensors["model"])


def onto_base(locus: Locus, parameters: TaskArithmetic, merged: Tensor) -> Tensor:
    """The base plus `scale`, for the kind of module, times the merged task vector."""
    return locus.tensors["base"][0] + merged * for_module(parameters.scale, locus.name)


def check(parameters: TaskArithmetic, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


def merge(locus: Locus, parameters: TaskArithmetic, _: None) -> Tensor:
    """The base plus `scale` times the sum of w_i (x_i - base)."""
    merged = weighted_sum(task_vectors(locus), weights_of(locus, parameters))
    return onto_base(locus, parameters, merged)


OPERATOR = Operator("task_arithmetic", ROLES, TaskArithmetic, merge, no_context, check)
