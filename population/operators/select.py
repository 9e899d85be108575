"""The largest elements of a matrix or of a whole model, found exactly, without holding either.

A sample says between which two magnitudes the last one kept will be; one pass over the loci then
counts what is above, and how often each magnitude between the two occurs. Only when the sample
misled does a second pass count the upper 16 bits of all magnitudes, which cannot mislead.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import hardshrink

from speciate.population.operators.operator import Loci, Locus
from speciate.population.operators.stages import kept_count, magnitude_bits

Vectors = Callable[[Locus], Sequence[Tensor]]

_ALL = np.iinfo(np.int32).max
_LARGEST = int(np.float32(np.finfo(np.float32).max).view(np.int32))
_MARGIN = 0.002
_DEVIATIONS = 5


@dataclass(frozen=True)
class Cut:
    """Keeps magnitudes whose bits, read as an integer, exceed `bits`, and the first of equal ones.

    Attributes:
        bits: The pattern of the smallest magnitude kept.
        until: Of the elements with just this magnitude those before this place are kept: name of
            the tensor, number of the matrix, flat index. None keeps all of them.
    """

    bits: int
    until: tuple[str, int, int] | None = None

    def trim(self, locus: Locus, vector: Tensor) -> Tensor:
        """The elements kept, and 0 elsewhere, of a vector that belongs to the locus."""
        count = self._ties(locus, vector.numel())
        if count == vector.numel():
            return self._shrunk(vector, self.bits - 1)
        kept = self._shrunk(vector, self.bits)
        if count > 0:
            kept.view(-1)[:count] = self._shrunk(vector.view(-1)[:count], self.bits - 1)
        return kept

    def mask(self, locus: Locus, vector: Tensor) -> Tensor:
        """Bool tensor of what is kept; of zeros too, if they are."""
        patterns = magnitude_bits(vector)
        count = self._ties(locus, vector.numel())
        above = patterns > self.bits
        if count > 0:
            above.view(-1)[:count] |= patterns.view(-1)[:count] == self.bits
        return above

    def _ties(self, locus: Locus, size: int) -> int:
        """How many elements from the start of the locus are kept if just as large."""
        if self.until is None:
            return size
        here, limit = (locus.place.name, locus.place.part), self.until[:2]
        return (
            min(max(self.until[2] - locus.start, 0), size)
            if here == limit
            else size * (here < limit)
        )

    @staticmethod
    def _shrunk(vector: Tensor, bits: int) -> Tensor:
        """What is larger in magnitude than the float of these bits."""
        if bits < 0:
            return vector.clone()
        return hardshrink(vector, float(np.int32(min(bits, _LARGEST)).view(np.float32)))


class _Count(NamedTuple):
    """What a locus has: elements above the bracket, and magnitudes inside with their numbers."""

    above: int
    values: NDArray[np.int32]
    counts: NDArray[np.int64]


def largest(loci: Loci, vectors: Vectors, densities: Sequence[float]) -> list[Cut]:
    """Per vector, the cut that keeps exactly int(density * size) of the largest magnitudes.

    Of equal magnitudes at the edge the first are kept, by (name, matrix, flat index).

    Args:
        loci: Of one view, or of the whole genome.
        vectors: The tensors of a locus that are ranked, one for each density.
        densities: Fraction kept of each.
    """
    samples = loci.sample(lambda locus: [magnitude_bits(v).cpu() for v in vectors(locus)])
    pooled = [torch.cat(parts).sort().values.numpy() for parts in zip(*samples, strict=True)]
    brackets = [_bracket(s, d) for s, d in zip(pooled, densities, strict=True)]
    places, counts = _counted(loci, vectors, brackets)
    size = sum(size for *_, size in places)
    keeps = [kept_count(density, size) for density in densities]
    missed = [n for n, keep in enumerate(keeps) if not _holds(counts[n], keep)]
    if missed:
        histograms = _histograms(loci, vectors)
        for n in missed:
            brackets[n] = _bin(histograms[n], keeps[n])
        places, counts = _counted(loci, vectors, brackets)
    return [_cut(loci, vectors, n, counts[n], keep) for n, keep in enumerate(keeps)]


def _bracket(sample: NDArray[np.int32], density: float) -> tuple[int, int]:
    """Two magnitudes with the wanted one almost surely between them."""
    size = len(sample)
    if size == 0:
        return 0, _ALL
    deviation = math.sqrt(density * (1 - density) / size)
    slack = _MARGIN + _DEVIATIONS * deviation
    low, high = (int((1 - density + sign * slack) * size) for sign in (-1, 1))
    return (int(sample[low]) if low >= 0 else 0), (int(sample[high]) if high < size else _ALL)


def _counted(
    loci: Loci, vectors: Vectors, brackets: Sequence[tuple[int, int]]
) -> tuple[list[tuple[str, int, int, int]], list[list[_Count]]]:
    """Where each locus is and its size; and per vector what each locus has."""

    def look(locus: Locus) -> tuple[tuple[str, int, int, int], list[_Count]]:
        found = vectors(locus)
        place = (locus.place.name, locus.place.part, locus.start, found[0].numel())
        return place, [_count(v, *bracket) for v, bracket in zip(found, brackets, strict=True)]

    looked = loci.map(look)
    return [place for place, _ in looked], [
        [counts[n] for _, counts in looked] for n in range(len(brackets))
    ]


def _count(vector: Tensor, low: int, high: int) -> _Count:
    # Numpy compares in vectors where torch does not.
    patterns = magnitude_bits(vector).view(-1).cpu().numpy()
    above = patterns > high
    inside = patterns[np.flatnonzero((patterns >= low) ^ above)]
    values, counts = np.unique(inside, return_counts=True)
    return _Count(int(np.count_nonzero(above)), values, counts)


def _holds(counts: Sequence[_Count], keep: int) -> bool:
    above = sum(count.above for count in counts)
    inside = sum(int(count.counts.sum()) for count in counts)
    return keep == 0 or above < keep <= above + inside


def _cut(loci: Loci, vectors: Vectors, number: int, counts: Sequence[_Count], keep: int) -> Cut:
    if keep == 0:
        return Cut(_ALL)
    values = np.concatenate([count.values for count in counts])
    numbers = np.concatenate([count.counts for count in counts])
    order = np.argsort(values, kind="stable")[::-1]
    wanted = keep - sum(count.above for count in counts)
    from_top = np.cumsum(numbers[order])
    bits = int(values[order[np.searchsorted(from_top, wanted)]])
    ties = wanted - int(numbers[values > bits].sum())
    equal = [int(count.counts[count.values == bits].sum()) for count in counts]
    if ties == sum(equal):
        return Cut(bits)
    index = int(np.searchsorted(np.cumsum(equal), ties))
    locus = loci.one(index)
    patterns = magnitude_bits(vectors(locus)[number]).view(-1)
    place = int((patterns == bits).nonzero()[ties - sum(equal[:index]) - 1])
    return Cut(bits, (locus.place.name, locus.place.part, locus.start + place + 1))


def _histograms(loci: Loci, vectors: Vectors) -> list[NDArray[np.int64]]:
    """Per vector, how many magnitudes have each pattern in their upper 16 bits."""

    def look(locus: Locus) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        tops = [(magnitude_bits(v).view(-1) >> 16).cpu().numpy() for v in vectors(locus)]
        return [np.unique(top, return_counts=True) for top in tops]

    histograms = []
    for parts in zip(*loci.map(look), strict=True):
        counts = np.zeros(1 << 15, dtype=np.int64)
        for values, numbers in parts:
            counts[values] += numbers
        histograms.append(counts)
    return histograms


def _bin(histogram: NDArray[np.int64], keep: int) -> tuple[int, int]:
    """The magnitudes with the same upper 16 bits as the `keep`-th largest."""
    from_top = np.cumsum(histogram[::-1])
    top = len(histogram) - 1 - int(np.searchsorted(from_top, keep))
    return top << 16, top << 16 | 0xFFFF
