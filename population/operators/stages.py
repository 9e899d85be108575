"""The stages that operators are made of: view -> sparsify -> rescale -> consensus -> combine.

All are pure functions of float32 tensors of one locus. They keep to single element-wise operations
and to integer or fixed-order sums, so that results do not depend on the number of threads: a fused
multiply-add, for one, rounds differently in the vector loop than in the elements left over.

Comparisons and `where` are several times slower on a CPU than arithmetic, which alone is computed
in vectors: hence the arithmetic with signs, and with the bits of floats, below.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from speciate.population.operators.operator import Locus
from speciate.population.randomness import Stream

_LEAST = torch.finfo(torch.float32).tiny
_BYTE = 255


def task_vectors(locus: Locus) -> list[Tensor]:
    """View: the models minus the base."""
    return [model - locus.base for model in locus.models]


def kept_count(density: float, size: int) -> int:
    """How many of `size` elements a density keeps: rounded down, all of them at density 1."""
    return int(density * size)


def magnitude_bits(tensor: Tensor) -> Tensor:
    """Int32 bit patterns of the absolute values; they have the order of the values."""
    return tensor.abs().view(torch.int32)


def top_k_rows(rows: Tensor, density: float) -> Tensor:
    """Sparsify: mask of the largest `density` of the magnitudes of each row.

    Exactly int(density * columns) in each, ordered by (magnitude descending, place ascending).
    """
    columns = rows.shape[-1]
    keep = kept_count(density, columns)
    if keep == 0 or rows.numel() == 0:
        return torch.zeros_like(rows, dtype=torch.bool)
    patterns = magnitude_bits(rows)
    least = patterns.kthvalue(columns - keep + 1, dim=-1, keepdim=True).values
    mask = patterns >= least
    if int(mask.sum()) > keep * (rows.numel() // columns):
        above = patterns > least
        equal = mask ^ above
        mask = above | (equal & (equal.cumsum(-1) <= keep - above.sum(-1, keepdim=True)))
    return mask


def ranks(rows: Tensor) -> Tensor:
    """Score: place of each element in its row by ascending magnitude, from 0; int64."""
    places = torch.arange(rows.shape[-1], device=rows.device)
    # Distinct keys, so that any sort is stable; numpy's of integers is vectorised, torch's is not.
    keys = magnitude_bits(rows).long().bitwise_left_shift_(32).bitwise_or_(places)
    if rows.is_cpu:
        keys.numpy().sort(axis=-1)
    else:
        keys = keys.sort(dim=-1).values
    order = keys.bitwise_and_(0xFFFFFFFF)
    return torch.empty_like(order).scatter_(-1, order, places.expand_as(order))


def trim(tensor: Tensor, mask: Tensor) -> Tensor:
    """The elements of the bool mask, and 0 elsewhere."""
    return tensor * as_numbers(mask)


def as_numbers(mask: Tensor) -> Tensor:
    """1 where a bool mask is true, and 0 elsewhere."""
    return mask.view(torch.uint8).float()


def drop_and_rescale(tensor: Tensor, density: float, stream: Stream) -> Tensor:
    """Sparsify and rescale: keeps elements at random, times 1/density, so the mean is unbiased."""
    kept = as_numbers(stream.bernoulli(tensor.shape, density).to(tensor.device))
    return kept.mul_(1.0 / density).mul_(tensor)


def nonzero(tensor: Tensor) -> Tensor:
    """1 where an element is not 0, and 0 where it is."""
    return tensor.sign().abs_()


def elect_signs(items: Sequence[Tensor], majority: int = 0) -> Tensor:
    """Consensus: sign of the sum; where that is 0, the `majority` sign (0 elects nothing)."""
    signs = total(items).sign_()
    return signs.add_(majority / 2).sign_() if majority else signs


def sign_balance(items: Sequence[Tensor]) -> int:
    """How many more sums are positive than negative."""
    return int(total(items).sign_().sum(dtype=torch.float64))


def agreeing(item: Tensor, signs: Tensor) -> Tensor:
    """Consensus: the magnitudes of what has the elected sign, and 0 elsewhere."""
    return (item * signs).clamp_(min=0)


def agreeing_sum(items: Sequence[Tensor], weights: Sequence[float], majority: int = 0) -> Tensor:
    """Combine: weighted sum of what has the elected sign."""
    parts = weighted(items, weights)
    signs = elect_signs(parts, majority)
    return total([agreeing(part, signs) for part in parts]).mul_(signs)


def agreeing_mean(items: Sequence[Tensor], weights: Sequence[float], majority: int = 0) -> Tensor:
    """Combine: weighted mean of what has the elected sign; 0 where nothing has.

    A negative weight turns its item around, and counts by its magnitude in the denominator.
    """
    parts = weighted(items, weights)
    signs = elect_signs(parts, majority)
    kept = [agreeing(part, signs) for part in parts]
    shares = _shares(kept, [abs(weight) for weight in weights])
    # Where nothing agrees both are 0; elsewhere the bound changes nothing.
    least = min((abs(weight) for weight in weights if abs(weight) >= _LEAST), default=_LEAST)
    return total(kept).div_(shares.clamp_(min=least)).mul_(signs)


def _shares(items: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The sum of the weights of the items that are positive; counted in bytes if all are equal."""
    if len(set(weights)) > 1 or len(items) > _BYTE:
        return total(weighted([item.sign() for item in items], weights))
    count = positive(items[0]).view(torch.uint8)
    for item in items[1:]:
        count += positive(item).view(torch.uint8)
    return count.float().mul_(weights[0]) if weights[0] != 1 else count.float()


def positive(tensor: Tensor) -> Tensor:
    """Bool tensor of what is greater than 0; numpy compares in vectors where torch does not."""
    return torch.from_numpy(tensor.numpy() > 0) if tensor.is_cpu else tensor > 0


def divide(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient, and 0 where the denominator is 0 (no epsilon, so that invariants are exact)."""
    there = nonzero(denominator)
    return (numerator / (denominator + (1 - there))).mul_(there)


def weighted(items: Sequence[Tensor], weights: Sequence[float]) -> list[Tensor]:
    """The items times their weights."""
    return [
        item if weight == 1 else item * weight for item, weight in zip(items, weights, strict=True)
    ]


def total(items: Sequence[Tensor]) -> Tensor:
    """Combine: the sum, added in order; always a new tensor."""
    if len(items) == 1:
        return items[0].clone()
    result = items[0] + items[1]
    for item in items[2:]:
        result += item
    return result


def weighted_sum(items: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Combine: the sum of the items times their weights."""
    return total(weighted(items, weights))


def weighted_mean(items: Sequence[Tensor], weights: Sequence[float], owned: bool = False) -> Tensor:
    """Combine: the weighted mean, for weights that do not sum to 0.

    Measured from the item of the largest weight: equal items give themselves and weights (0, 1)
    give the second item, to the last bit. Items that are `owned` are overwritten.
    """
    anchor = max(range(len(items)), key=lambda i: abs(weights[i]))
    whole = math.fsum(weights)
    result = None
    for i, item in enumerate(items):
        if i != anchor:
            apart = item.sub_(items[anchor]) if owned else item - items[anchor]
            part = apart.mul_(weights[i] / whole)
            result = part.add_(items[anchor]) if result is None else result.add_(part)
    return items[anchor].clone() if result is None else result


def dot(a: Tensor, b: Tensor) -> float:
    """Inner product in float64; the squares of small float32 numbers would be 0 in float32."""
    return float((a.double() * b.double()).sum())
