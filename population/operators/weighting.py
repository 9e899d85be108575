"""Weights of the models at a place, and the checks that they can be used."""

import math
from collections.abc import Sequence

from speciate.configs.operators.common import PerModel, Weights, numbers
from speciate.errors import ConfigError
from speciate.population.operators.operator import Locus
from speciate.population.structure import at


def weights_at(weights: Weights, locus: Locus) -> tuple[float, ...]:
    """One weight a model: those given, at the place of the locus, or 1."""
    if weights is None:
        return (1.0,) * len(locus.models)
    return tuple(at(weight, locus.place) for weight in weights)


def check_weights(weights: Weights, count: int) -> None:
    """Whether there is one weight for each model.

    Raises:
        ConfigError: There are more or fewer.
    """
    if weights is not None and len(weights) != count:
        raise ConfigError(f"weights: {len(weights)} given for {count} models; give one a model")


def check_densities(density: object, count: int) -> None:
    """Whether there is one density for each model, where each has its own.

    Raises:
        ConfigError: There are more or fewer.
    """
    if isinstance(density, PerModel) and len(density.models) != count:
        raise ConfigError(
            f"density: {len(density.models)} given for {count} models; give one a model"
        )


def is_constant(schedule: object) -> bool:
    """Whether a schedule has one value all over the model."""
    if isinstance(schedule, PerModel):
        return all(is_constant(one) for one in schedule.models)
    return isinstance(schedule, float | int)


def check_sum(weights: Weights) -> None:
    """Whether weights that are plain numbers can be divided by their sum.

    Raises:
        ConfigError: They cancel.
    """
    if weights is None or not all(isinstance(weight, float | int) for weight in weights):
        return
    plain = list(numbers(weights))
    if cancel(plain):
        raise ConfigError("weights: sum to 0, so they cannot be normalised; set normalize = false")


def cancel(weights: Sequence[float]) -> bool:
    """Whether the sum of the weights is 0 but for rounding."""
    return abs(math.fsum(weights)) <= 1e-12 * max(abs(weight) for weight in weights)
