"""Singular values and vectors of what is no mere rounding, and which tensors have them."""

from typing import NamedTuple

import torch
from torch import Tensor

from speciate.population.operators.operator import Locus


class Svd(NamedTuple):
    """The matrix `left diag(values) right`, with r singular values above rounding.

    Attributes:
        left: Orthonormal columns, (rows, r), float64.
        values: Descending, (r,).
        right: Orthonormal rows, (r, columns).
    """

    left: Tensor
    values: Tensor
    right: Tensor

    def leading(self, count: int) -> "Svd":
        """The components with the largest singular values."""
        return Svd(self.left[:, :count], self.values[:count], self.right[:count])


def svd(matrix: Tensor, tolerance: float | None = None) -> Svd:
    """Decomposes a matrix in float64, without the directions that it does not reach.

    Those have singular vectors that are nothing but chance, and must not count as others do.

    Args:
        matrix: Of shape (rows, columns).
        tolerance: Singular values up to this fraction of the largest are dropped; the rounding
            of float32 if not given.
    """
    least = max(matrix.shape) * torch.finfo(torch.float32).eps if tolerance is None else tolerance
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    found = Svd(left, values, right)
    return found.leading(int((values > values[:1] * least).sum()))


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest matrix with orthonormal columns (its polar factor).

    Of columns that depend on each other it gives the partial isometry of the space they span.
    """
    left, _, right = svd(matrix)
    return left @ right


def is_matrix(locus: Locus, embeddings: str) -> bool:
    """Whether a tensor is to be decomposed; embeddings and heads only where that is asked for."""
    if len(locus.shape) != 2 or locus.place.kind == "norm":
        return False
    return embeddings == "matrix" or locus.place.kind not in ("embedding", "head")
