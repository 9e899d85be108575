"""Quantiles of what loci score, found exactly, without holding all the scores."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speciate.population.operators.operator import Loci, Locus
from speciate.population.operators.stages import magnitude_bits

Bins = NDArray[np.integer[Any]]

_BINS = 1 << 15
_SHIFT = 16


def quantiles(
    loci: Loci, scores: Callable[[Locus], Tensor], shares: Sequence[float]
) -> list[float]:
    """Quantiles, linear between the two scores nearest in rank; 0 if there are no scores.

    A first pass counts the upper 16 bits of the scores; a second collects those in the few bins
    that hold the wanted ranks.

    Args:
        loci: Of one view, or of the whole genome.
        scores: Float32 tensor of a locus, not negative.
        shares: From 0 (the least) to 1 (the greatest).
    """
    counts = np.zeros(_BINS, dtype=np.int64)
    for bins, number in loci.map(lambda locus: _counted(scores(locus))):
        counts[bins] += number
    upto = np.cumsum(counts)
    last = int(upto[-1]) - 1
    if last < 0:
        return [0.0] * len(shares)
    positions = [share * last for share in shares]
    below = [math.floor(position) for position in positions]
    ranks = np.array([*below, *(min(rank + 1, last) for rank in below)])
    holding = np.searchsorted(upto, ranks, side="right")
    wanted = np.zeros(_BINS, dtype=np.bool_)
    wanted[holding] = True
    found = np.sort(np.concatenate(loci.map(lambda locus: _collected(scores(locus), wanted))))
    # A rank, less all that is in bins below its own, plus what of these was collected.
    skipped = upto - np.cumsum(np.where(wanted, counts, 0))
    low, high = np.split(found[ranks - skipped[holding]].astype(np.float64), 2)
    return [float(value) for value in low + (high - low) * (np.array(positions) - below)]


def _counted(scores: Tensor) -> tuple[Bins, Bins]:
    counts = np.bincount(_bins(scores), minlength=_BINS)
    bins = np.flatnonzero(counts)
    return bins, counts[bins]


def _collected(scores: Tensor, wanted: NDArray[np.bool_]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = scores.reshape(-1).cpu().numpy()
    return values[wanted[_bins(scores)]]


def _bins(scores: Tensor) -> Bins:
    bins: Bins = magnitude_bits(scores).reshape(-1).cpu().numpy() >> _SHIFT
    return bins
