"""The frame that Iso-C, TSV-M and WUDI share: matrices by their rule, all else by a plain one."""

from collections.abc import Callable, Sequence

from torch import Tensor

from speciate.configs.operators.common import Weights
from speciate.configs.operators.spectral import Scaled, Spectral
from speciate.population.operators.operator import Locus
from speciate.population.operators.shares import refuse_cancelling
from speciate.population.operators.spectral.svd import is_matrix
from speciate.population.operators.stages import task_vectors, weighted_sum
from speciate.population.operators.weighting import check_sum, check_weights, weights_at
from speciate.population.structure import at

Rule = Callable[[Sequence[Tensor], Sequence[float]], Tensor]


def onto_base(locus: Locus, parameters: Scaled, merged: Tensor) -> Tensor:
    """The base plus `scale`, at this place, times the merged task vector of any precision."""
    scale = at(parameters.scale, locus.place)
    return locus.base + (merged if scale == 1 else merged * scale).float()


def combined(locus: Locus, parameters: Spectral, weights: Weights, rule: Rule) -> Tensor:
    """The child where `rule` merges the task vectors of matrices, given their weights.

    Raises:
        BreedError: The weights cancel where there is a mean.
    """
    vectors, shares = task_vectors(locus), weights_at(weights, locus)
    if is_matrix(locus, parameters.embeddings):
        return onto_base(locus, parameters, rule(vectors, shares))
    flat = parameters.vectors
    if locus.place.kind in ("embedding", "head") and parameters.embeddings != "matrix":
        flat = parameters.embeddings
    merged = weighted_sum(vectors, shares)
    if flat == "mean":
        refuse_cancelling(shares, locus.place)
        merged *= 1 / sum(shares)
    return onto_base(locus, parameters, merged)


def check(parameters: Spectral, weights: Weights, count: int) -> None:
    """One weight a model, and a sum to divide by where there are means.

    Raises:
        ConfigError: The number of weights differs, or they cancel.
    """
    check_weights(weights, count)
    if "mean" in (parameters.vectors, parameters.embeddings):
        check_sum(weights)
