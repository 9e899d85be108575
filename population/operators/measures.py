"""What operators measure of a whole matrix, or of a whole model, before they merge a locus."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.population.operators.operator import Loci, Locus
from speciate.population.operators.stages import sign_balance

_PIECE = 1 << 16
Vectors = Callable[[Locus], Sequence[Tensor]]


def inner_products(loci: Loci, vectors: Vectors) -> NDArray[np.float64]:
    """Matrix (N, N) of the inner products of N vectors, in float64.

    Lengths, angles and distances, and so all means on a sphere, follow from these alone.
    """
    return _summed(loci.map(lambda locus: _products(vectors(locus))))


def _products(vectors: Sequence[Tensor]) -> NDArray[np.float64]:
    """In float64, since in float32 the squares of small numbers are 0; piece by piece, in cache."""
    size = len(vectors)
    flat = [torch.split(vector.reshape(-1), _PIECE) for vector in vectors]
    result = np.zeros((size, size))
    for pieces in zip(*flat, strict=True):
        doubles = [piece.double() for piece in pieces]
        for i in range(size):
            for j in range(i, size):
                result[i, j] += float((doubles[i] * doubles[j]).sum())
    return np.asarray(np.triu(result) + np.triu(result, 1).T)


def _summed(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Exactly rounded, so that the result does not depend on how the loci were cut."""
    stacked = np.array(parts)
    summed = np.empty(stacked.shape[1:])
    for index in np.ndindex(summed.shape):
        summed[index] = math.fsum(stacked[(slice(None), *index)])
    return summed


def majority_sign(loci: Loci, items: Vectors) -> int:
    """Sign that most element-wise sums have: +1, -1, or 0 if they are even."""
    return int(np.sign(sum(loci.map(lambda locus: sign_balance(items(locus))))))
