"""Weighted average of models ("Model soups", Wortsman et al., 2022, arXiv 2203.05482)."""

from torch import Tensor

from speciate.configs.operators.averaging import Linear
from speciate.population.operators.operator import MODELS, Locus, Operator
from speciate.population.operators.shares import refuse_cancelling
from speciate.population.operators.stages import weighted_mean, weighted_sum
from speciate.population.operators.weighting import check_sum, check_weights, weights_at


def merge(locus: Locus, parameters: Linear, _: None) -> Tensor:
    """The sum of w_i x_i, divided by the sum of w_i if normalised.

    Raises:
        BreedError: The weights cancel at this place and are to be normalised.
    """
    weights = weights_at(parameters.weights, locus)
    if not parameters.normalize:
        return weighted_sum(locus.models, weights)
    refuse_cancelling(weights, locus.place)
    return weighted_mean(locus.models, weights, locus.owned)


def check(parameters: Linear, count: int) -> None:
    """One weight a model, and a sum to divide by.

    Raises:
        ConfigError: The number of weights differs, or they cancel while `normalize` is set.
    """
    check_weights(parameters.weights, count)
    if parameters.normalize:
        check_sum(parameters.weights)


OPERATOR = Operator(
    "linear",
    "averaging",
    MODELS,
    Linear,
    merge,
    check=check,
    paper="arXiv 2203.05482",
    dense=True,
    symmetric=True,
)
