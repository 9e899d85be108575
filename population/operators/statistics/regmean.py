"""RegMean ("Dataless Knowledge Fusion by Merging Weights of Language Models", arXiv 2212.09849)."""

from torch import Tensor

from speciate.configs.operators.statistics import RegMean
from speciate.population.operators.operator import SOME, Grain, Locus, Operator
from speciate.population.operators.statistics.gram import fits, solve
from speciate.population.operators.statistics.shared import mean, shares, statistics_of
from speciate.population.operators.weighting import check_weights


def merge(locus: Locus, parameters: RegMean, _: None) -> Tensor:
    """The least-squares solution for matrices with Gram matrices, the mean for all else."""
    weights = shares(locus, parameters.weights)
    grams = statistics_of(locus, "gram")
    if grams is None or not fits(locus.models[0], grams):
        return mean(locus.models, weights)
    return solve(locus.models, grams, weights, parameters.off_diagonal, parameters.jitter)


def check(parameters: RegMean, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


OPERATOR: Operator[RegMean, None] = Operator(
    name="regmean",
    family="statistics",
    roles={"model": SOME, "statistics": SOME},
    parameters=RegMean,
    merge=merge,
    grain=Grain.MATRIX,
    check=check,
    paper="Dataless Knowledge Fusion by Merging Weights of Language Models, arXiv 2212.09849",
    statistics=("gram",),
    symmetric=True,
)
