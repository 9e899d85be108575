"""Iso-C, isotropic merging in the common subspace (Marczak et al., 2025, arXiv 2502.04959)."""

from collections.abc import Sequence

from torch import Tensor

from speciate.configs.operators.spectral import IsoC
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator
from speciate.population.operators.spectral import combine
from speciate.population.operators.spectral.svd import svd
from speciate.population.operators.stages import weighted_sum


def isotropic(vectors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """U (mean of S) V' of the weighted sum U S V'; the nuclear norm stays."""
    left, values, right = svd(weighted_sum(vectors, weights))
    mean = values.sum() / max(len(values), 1)
    return left @ right * mean


def merge(locus: Locus, parameters: IsoC, _: None) -> Tensor:
    """The base plus `scale` times the isotropic sum of the task vectors."""
    return combine.combined(locus, parameters, parameters.weights, isotropic)


def check(parameters: IsoC, count: int) -> None:
    """Weights that fit.

    Raises:
        ConfigError: The number of weights differs, or they cancel where there are means.
    """
    combine.check(parameters, parameters.weights, count)


OPERATOR: Operator[IsoC, None] = Operator(
    "iso_c",
    "spectral",
    BASE_AND_MODELS,
    IsoC,
    merge,
    grain=Grain.MATRIX,
    check=check,
    paper="arXiv 2502.04959",
    symmetric=True,
)
