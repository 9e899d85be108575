"""The stages that operators are made of: delta -> sparsify -> rescale -> consensus -> combine.

All are pure functions of float32 tensors. They keep to single element-wise operations and to
integer or fixed-order sums, so that results do not depend on the number of threads: a fused
multiply-add, for one, rounds differently in the vector loop than in the elements left over.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.population.randomness import Stream

_CHUNK = 1 << 20


def deltas(models: Sequence[Tensor], base: Tensor) -> list[Tensor]:
    """View: task vectors, the models minus the base."""
    return [model - base for model in models]


def kept_count(density: float, size: int) -> int:
    """How many of `size` elements a density keeps: rounded down, all of them at density 1."""
    return int(density * size)


@dataclass(frozen=True)
class Cut:
    """Keeps magnitudes whose bits, read as an integer, exceed `bits`; of equal ones the first.

    Magnitudes are ordered as the bit patterns of their non-negative floats are.

    Attributes:
        bits: The pattern of the smallest magnitude kept.
        ties: How many elements of just this magnitude are kept, in flat order.
    """

    bits: int
    ties: int

    def mask(self, tensor: Tensor) -> Tensor:
        """Bool tensor of the shape of `tensor`."""
        patterns = magnitude_bits(tensor)
        keep = patterns > self.bits
        left = self.ties
        for start in range(0, len(patterns) if left else 0, _CHUNK):
            equal = np.flatnonzero(patterns[start : start + _CHUNK] == self.bits)[:left]
            keep[start + equal] = True
            left -= len(equal)
        return torch.from_numpy(keep).reshape(tensor.shape)


def magnitude_bits(tensor: Tensor) -> NDArray[np.int32]:
    """Bit patterns of the absolute values, flat; they have the order of the values."""
    return tensor.abs().reshape(-1).numpy().view(np.int32)


def largest_cut(tensor: Tensor, keep: int) -> Cut:
    """The cut that keeps exactly `keep` elements, ordered by (magnitude desc, flat index asc)."""
    if keep == 0:
        return Cut(np.iinfo(np.int32).max, 0)
    patterns = magnitude_bits(tensor)
    bits = int(np.partition(patterns, len(patterns) - keep)[len(patterns) - keep])
    return Cut(bits, keep - int(np.count_nonzero(patterns > bits)))


def top_k(tensor: Tensor, density: float) -> Tensor:
    """Sparsify: mask of the largest `density` of the magnitudes of the whole tensor."""
    return largest_cut(tensor, kept_count(density, tensor.numel())).mask(tensor)


def top_k_rows(tensor: Tensor, density: float) -> Tensor:
    """Sparsify: as `top_k`, for each row by itself; a tensor of one dimension is one row."""
    if tensor.numel() == 0:
        return torch.ones_like(tensor, dtype=torch.bool)
    rows = tensor.reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
    return torch.stack([top_k(row, density) for row in rows]).reshape(tensor.shape)


def trim(tensor: Tensor, mask: Tensor) -> Tensor:
    """The elements of the mask, and 0 elsewhere."""
    return torch.where(mask, tensor, 0.0)


def drop_and_rescale(tensor: Tensor, density: float, stream: Stream) -> Tensor:
    """Sparsify and rescale: keeps elements at random, times 1/density, so the mean is unbiased."""
    return trim(tensor, stream.bernoulli(tensor.shape, density)) * (1.0 / density)


def elect_signs(items: Sequence[Tensor]) -> Tensor:
    """Consensus: sign of the sum; where that is 0, the majority sign of all of the tensor.

    The authors of TIES take the majority over the whole model; per tensor it needs no pass over
    the model before. An even majority is 0 and elects nothing.
    """
    signs = total(items).sign()
    majority = int((signs > 0).sum()) - int((signs < 0).sum())
    return torch.where(signs == 0, float(np.sign(majority)), signs)


def agreeing_mean(items: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Combine: weighted mean of what has the elected sign; 0 where nothing has.

    A negative weight turns its item around, and counts by its magnitude in the denominator.
    """
    parts = [item * weight for item, weight in zip(items, weights, strict=True)]
    signs = elect_signs(parts)
    masks = [part * signs > 0 for part in parts]
    numerator = total([trim(part, mask) for part, mask in zip(parts, masks, strict=True)])
    denominator = total(
        [mask.float() * abs(weight) for mask, weight in zip(masks, weights, strict=True)]
    )
    return torch.where(denominator > 0, numerator / denominator, 0.0)


def total(items: Sequence[Tensor]) -> Tensor:
    """Combine: the sum, added in order."""
    result = items[0]
    for item in items[1:]:
        result = result + item
    return result


def weighted_sum(items: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Combine: the sum of the items times their weights."""
    return total([item * weight for item, weight in zip(items, weights, strict=True)])


def weighted_mean(items: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Combine: the weighted mean, for weights that do not sum to 0.

    Measured from the item of the largest weight: equal items give themselves and weights (0, 1)
    give the second item, to the last bit.
    """
    anchor = max(range(len(items)), key=lambda i: abs(weights[i]))
    shares = [weight / math.fsum(weights) for weight in weights]
    rest = [i for i in range(len(items)) if i != anchor]
    moves = [(items[i] - items[anchor]) * shares[i] for i in rest]
    return total([items[anchor], *moves])


def dot(a: Tensor, b: Tensor) -> float:
    """Inner product in float64, summed in fixed chunks by one thread."""
    x, y = a.reshape(-1).numpy(), b.reshape(-1).numpy()
    return math.fsum(
        float(np.sum(x[i : i + _CHUNK].astype(np.float64) * y[i : i + _CHUNK]))
        for i in range(0, len(x), _CHUNK)
    )
