"""What operators measure of a whole matrix, or of a whole model, before they merge a locus."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.population.operators.operator import Loci, Locus
from speciate.population.operators.stages import dot, sign_balance

_ROW = 1 << 10
_LEAST = 1e-30  # Mean square that leaves products of float32 at least seven digits.
Vectors = Callable[[Locus], Sequence[Tensor]]


def inner_products(loci: Loci, vectors: Vectors) -> NDArray[np.float64]:
    """Matrix (N, N) of the inner products of N vectors, in float64.

    Lengths, angles and distances, and so all means on a sphere, follow from these alone.
    """
    parts = loci.map(lambda locus: _products(vectors(locus)))
    # Exactly rounded, so that the result does not depend on how the loci were cut.
    sums = [math.fsum(products) for products in zip(*parts, strict=True)]
    size = math.isqrt(2 * len(sums))
    result = np.empty((size, size))
    upper, lower = np.triu_indices(size)
    result[upper, lower] = result[lower, upper] = sums
    return result


def _products(vectors: Sequence[Tensor]) -> list[float]:
    """Of all pairs: in float32, summed in float64, unless some are too large or small for that.

    Plain numbers, since arrays that are kept until all loci are done hold on to memory.
    """
    flat = [vector.reshape(-1) for vector in vectors]
    pairs = list(itertools.combinations_with_replacement(flat, 2))
    found = [_dot(a, b) for a, b in pairs]
    squares = [value for value, (a, b) in zip(found, pairs, strict=True) if a is b]
    if min(squares) >= len(flat[0]) * _LEAST and all(map(math.isfinite, found)):
        return found
    return [dot(a, b) for a, b in pairs]


def _dot(a: Tensor, b: Tensor) -> float:
    """Rows of products are summed in float32, whose errors cancel, and rows in float64."""
    whole = len(a) - len(a) % _ROW
    rows = (a[:whole] * b[:whole]).view(-1, _ROW).sum(-1)
    rest = dot(a[whole:], b[whole:]) if whole < len(a) else 0.0
    return float(rows.sum(dtype=torch.float64)) + rest


def majority_sign(loci: Loci, items: Vectors) -> int:
    """Sign that most element-wise sums have: +1, -1, or 0 if they are even."""
    return int(np.sign(sum(loci.map(lambda locus: sign_balance(items(locus))))))
