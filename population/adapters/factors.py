"""A module's low-rank update dW = s B A, and the linear algebra on such products.

Cores are float64 and one thread does them, so that the bytes of a child do not depend on how many
there are. Singular vectors have a sign: the largest entry of each left one is positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from speciate.population.randomness import Stream

_EXACT = 1024
"""Shorter side of the largest matrix whose SVD is computed exactly."""
_OVERSAMPLING = 10
_POWER_ITERATIONS = 4


@dataclass(frozen=True)
class Factors:
    """The update s B A of one module, for a weight of shape (out, in).

    Attributes:
        a: (r, in), float32.
        b: (out, r), float32.
        scale: The s, alpha / r or as the config says.
    """

    a: Tensor
    b: Tensor
    scale: float = 1.0

    @property
    def rank(self) -> int:
        """The r."""
        return self.a.shape[0]

    @property
    def scaled_b(self) -> Tensor:
        """The product s B, (out, r)."""
        return self.b * self.scale

    def delta(self) -> Tensor:
        """The update as a matrix (out, in), float32; summed in float64."""
        return (self.scale * (self.b.double() @ self.a.double())).float()


def side_by_side(parts: Sequence[tuple[Factors, float]]) -> tuple[Tensor, Tensor]:
    """B (out, sum of r) and A (sum of r, in), float64, whose product is the weighted sum."""
    b = torch.cat([part.b.double() * (part.scale * weight) for part, weight in parts], dim=1)
    return b, torch.cat([part.a.double() for part, _ in parts])


def svd(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reduced SVD (U, S, V') of a float64 matrix."""
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    return u, s, vt


def truncated(b: Tensor, a: Tensor, rank: int) -> Factors:
    """The best approximation of the product by factors of a rank, in equal parts.

    The product itself is never made: its SVD is that of a core as small as the inner dimension.

    Args:
        b: (out, k), float64.
        a: (k, in), float64.
        rank: At most; never more than the smallest of out, in and k.
    """
    left, upper = torch.linalg.qr(b)
    right, lower = torch.linalg.qr(a.T)
    u, s, vt = svd(upper @ lower.T)
    return balanced(left @ u, s, vt @ right.T, rank)


def truncated_matrix(matrix: Tensor, rank: int, stream: Stream) -> Factors:
    """The best approximation of a matrix by factors of a rank.

    Exact where the shorter side has at most 1024 elements; a randomised SVD with power iterations
    where it is longer (Halko et al., 2011, arXiv 0909.4061).
    """
    if min(matrix.shape) <= max(_EXACT, rank + _OVERSAMPLING):
        return balanced(*svd(matrix.double()), rank)
    basis = torch.linalg.qr(matrix @ stream.normal((matrix.shape[1], rank + _OVERSAMPLING))).Q
    for _ in range(_POWER_ITERATIONS):
        basis = torch.linalg.qr(matrix @ torch.linalg.qr(matrix.T @ basis).Q).Q
    u, s, vt = svd((basis.T @ matrix).double())
    return balanced(basis.double() @ u, s, vt, rank)


def balanced(u: Tensor, s: Tensor, vt: Tensor, rank: int) -> Factors:
    """B = U S^1/2 and A = S^1/2 V' of the largest singular values, with signs that are fixed."""
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    # numpy's argmax is the first of equal entries, torch's any of them.
    places = torch.from_numpy(np.argmax(u.abs().numpy(), axis=0))
    signs = torch.where(u.gather(0, places[None])[0] < 0, -1.0, 1.0).double()
    root = s.sqrt() * signs
    return Factors((root[:, None] * vt).float().contiguous(), (u * root).float().contiguous())
