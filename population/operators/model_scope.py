"""The largest elements of a whole model, found exactly without ever holding the whole model.

A radix search: magnitudes are ordered as the 32-bit patterns of their floats, so a histogram of
the upper 16 bits finds the bin of the smallest magnitude kept, and a histogram of the lower 16
bits within that bin finds the magnitude itself. Each is one pass over the tensors.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speciate.population.operators.stages import Cut, kept_count, magnitude_bits

Vectors = Callable[[], Iterator[tuple[str, Tensor]]]

_BINS = 1 << 16
_CHUNK = 1 << 20


def model_cuts(vectors: Vectors, density: float) -> dict[str, Cut]:
    """Per tensor, the cut that keeps its share of the largest `density` of the whole model.

    Of equal magnitudes at the edge the first are kept, by (order of the tensors, flat index).

    Args:
        vectors: Starts a pass over names and float32 tensors; the same at every call.
        density: Fraction of all elements, rounded down to a number of elements.
    """
    high = _histogram(vectors, lambda bits: bits >> 16)
    keep = kept_count(density, int(high.sum()))
    if keep == 0:
        return {name: Cut(np.iinfo(np.int32).max, 0) for name, _ in vectors()}
    top, keep = _descend(high, keep)
    low = _histogram(vectors, lambda bits: bits[bits >> 16 == top] & 0xFFFF)
    bottom, keep = _descend(low, keep)
    return _share_ties(vectors, top << 16 | bottom, keep)


def _histogram(
    vectors: Vectors, digits: Callable[[NDArray[np.int32]], NDArray[np.int32]]
) -> NDArray[np.int64]:
    counts = np.zeros(_BINS, dtype=np.int64)
    for _, vector in vectors():
        bits = magnitude_bits(vector)
        for start in range(0, len(bits), _CHUNK):
            counts += np.bincount(digits(bits[start : start + _CHUNK]), minlength=_BINS)
    return counts


def _descend(counts: NDArray[np.int64], keep: int) -> tuple[int, int]:
    """The bin of the `keep`-th largest element, and its rank (from 1) within that bin."""
    from_top = np.cumsum(counts[::-1])
    index = int(np.searchsorted(from_top, keep))
    bin_ = len(counts) - 1 - index
    return bin_, keep - int(from_top[index] - counts[bin_])


def _share_ties(vectors: Vectors, bits: int, ties: int) -> dict[str, Cut]:
    cuts = {}
    for name, vector in vectors():
        here = min(ties, int(np.count_nonzero(magnitude_bits(vector) == bits)))
        cuts[name] = Cut(bits, here)
        ties -= here
    return cuts
