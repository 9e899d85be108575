"""TSV-M, merging by task singular vectors (Gargiulo et al., 2024, arXiv 2412.00081)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from speciate.configs.operators.spectral import TsvM
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator
from speciate.population.operators.spectral import combine
from speciate.population.operators.spectral.iso_c import check
from speciate.population.operators.spectral.svd import orthogonalised, svd
from speciate.population.operators.stages import weighted
from speciate.population.structure import at


def separated(vectors: Sequence[Tensor], rank: float) -> Tensor:
    """The sum of the leading components of all, with singular vectors that do not interfere.

    Args:
        vectors: Matrices of one shape (rows, columns).
        rank: Fraction of min(rows, columns) kept of each, at least one component.
    """
    count = max(int(rank * min(vectors[0].shape)), 1)
    parts = [svd(vector).leading(count) for vector in vectors]
    left = orthogonalised(torch.cat([part.left for part in parts], dim=1))
    right = orthogonalised(torch.cat([part.right for part in parts]).T)
    return left * torch.cat([part.values for part in parts]) @ right.T


def merge(locus: Locus, parameters: TsvM, _: None) -> Tensor:
    """The base plus `scale` times the sum of the separated task vectors."""
    rank = 1 / len(locus.models) if parameters.rank is None else at(parameters.rank, locus.place)
    return combine.combined(
        locus,
        parameters,
        parameters.weights,
        lambda vectors, weights: separated(weighted(vectors, weights), rank),
    )


OPERATOR: Operator[TsvM, None] = Operator(
    "tsv_m",
    "spectral",
    BASE_AND_MODELS,
    TsvM,
    merge,
    grain=Grain.MATRIX,
    check=check,
    paper="arXiv 2412.00081",
    symmetric=True,
)
