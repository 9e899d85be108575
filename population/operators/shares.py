"""Weights that are divided by their sum, at a place where that sum may be 0."""

import math
from collections.abc import Sequence

from speciate.configs.operators.common import Weights, numbers
from speciate.errors import BreedError, ConfigError
from speciate.population.operators.weighting import cancel, check_weights, is_constant
from speciate.population.structure import Place, at


def shares(weights: Weights, place: Place, count: int) -> tuple[float, ...]:
    """The weights of `count` models at a place, divided by their sum; equal if not given.

    Raises:
        BreedError: They cancel at this place.
    """
    if weights is None:
        return (1 / count,) * count
    found = tuple(at(weight, place) for weight in weights)
    refuse_cancelling(found, place)
    whole = math.fsum(found)
    return tuple(weight / whole for weight in found)


def refuse_cancelling(weights: Sequence[float], place: Place) -> None:
    """Passes weights that can be divided by their sum.

    Raises:
        BreedError: They cancel.
    """
    if cancel(weights):
        raise BreedError(
            f"weights: sum to 0 at {place.name}, so they cannot be normalised; "
            "change the schedule of one"
        )


def check_shares(weights: Weights, count: int) -> None:
    """One weight a model, and where they are plain numbers a sum to divide by.

    Raises:
        ConfigError: The number of weights differs, or they cancel.
    """
    check_weights(weights, count)
    plain = weights is not None and all(is_constant(weight) for weight in weights)
    if plain and cancel(list(numbers(weights))):
        raise ConfigError("weights: sum to 0, so they cannot be normalised; change one")
