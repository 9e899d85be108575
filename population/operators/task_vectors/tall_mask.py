"""TALL masks ("Localizing task information", Wang et al., 2024, arXiv 2405.07813)."""

from torch import Tensor

from speciate.configs.operators.common import PerModel
from speciate.configs.operators.task_vectors import Localized, TallMask
from speciate.errors import ConfigError
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import as_numbers, task_vectors, weighted_sum
from speciate.population.operators.task_vectors.task_arithmetic import onto_base
from speciate.population.operators.weighting import check_weights, weights_at
from speciate.population.structure import at


def summed(locus: Locus, parameters: Localized) -> Tensor:
    """The weighted sum of the task vectors."""
    return weighted_sum(task_vectors(locus), weights_at(parameters.weights, locus))


def mask(locus: Locus, parameters: Localized, whole: Tensor, task: int) -> Tensor:
    """1 where the vector of a task exceeds its threshold times the rest of the sum, else 0."""
    vector = locus.models[task] - locus.base
    rest = (whole - vector).abs_().mul_(at(parameters.threshold, locus.place, task))
    return as_numbers(vector.abs_() > rest)


def merge(locus: Locus, parameters: TallMask, _: None) -> Tensor:
    """The base plus `scale` times the part of the sum that serves the task."""
    whole = summed(locus, parameters)
    return onto_base(locus, parameters, mask(locus, parameters, whole, parameters.task) * whole)


def check_localized(parameters: Localized, count: int) -> None:
    """One weight and one threshold a model.

    Raises:
        ConfigError: The numbers differ.
    """
    check_weights(parameters.weights, count)
    threshold = parameters.threshold
    if isinstance(threshold, PerModel) and len(threshold.models) != count:
        raise ConfigError(
            f"threshold: {len(threshold.models)} given for {count} models; give one a model"
        )


def check_task(task: int, count: int) -> None:
    """Whether there is a model of this number.

    Raises:
        ConfigError: There is none.
    """
    if task >= count:
        raise ConfigError(f"task: {task} is none of the {count} models, counted from 0")


def check(parameters: TallMask, count: int) -> None:
    """One weight and one threshold a model, and a task among them.

    Raises:
        ConfigError: The numbers differ, or there is no such task.
    """
    check_localized(parameters, count)
    check_task(parameters.task, count)


OPERATOR = Operator(
    "tall_mask",
    "task_vectors",
    BASE_AND_MODELS,
    TallMask,
    merge,
    check=check,
    paper="arXiv 2405.07813",
)
