"""Weighted average of models ("Model soups", Wortsman et al., 2022, arXiv 2203.05482)."""

import math

from torch import Tensor

from speciate.configs.operators import Linear
from speciate.errors import ConfigError
from speciate.population.operators.operator import (
    SOME,
    Locus,
    Operator,
    check_weights,
    no_context,
)
from speciate.population.operators.stages import weighted_mean, weighted_sum


def merge(locus: Locus, parameters: Linear, _: None) -> Tensor:
    """The sum of w_i x_i, divided by the sum of w_i if normalised."""
    models = locus.tensors["model"]
    weights = parameters.weights or (1.0,) * len(models)
    combine = weighted_mean if parameters.normalize else weighted_sum
    return combine(models, weights)


def check(parameters: Linear, count: int) -> None:
    """One weight a model, and a sum to divide by.

    Raises:
        ConfigError: The number of weights differs, or they cancel while `normalize` is set.
    """
    check_weights(parameters.weights, count)
    weights = parameters.weights or (1.0,)
    largest = max(abs(weight) for weight in weights)
    if parameters.normalize and abs(math.fsum(weights)) <= 1e-12 * largest:
        raise ConfigError("weights: sum to 0, so they cannot be normalised; set normalize = false")


OPERATOR = Operator("linear", {"model": SOME}, Linear, merge, no_context, check)
