"""What operators with statistics share: weights that sum to 1, means, and lists without gaps."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from speciate.configs.operators.statistics import Shares
from speciate.population.operators.operator import Locus
from speciate.population.operators.weighting import weights_at


def shares(locus: Locus, weights: Shares) -> list[float]:
    """Each model's weight here; they sum to 1, and are equal where none is given or all are 0."""
    values = weights_at(weights, locus)
    whole = math.fsum(values)
    return [value / whole if whole > 0 else 1 / len(values) for value in values]


def mean(tensors: Sequence[Tensor], weights: Sequence[float | Tensor]) -> Tensor:
    """The weighted mean, for weights that sum to 1, numbers or one an element.

    Measured from the first tensor, so that equal tensors give themselves to the last bit.
    """
    result = tensors[0]
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        result = result + (tensor - tensors[0]) * weight
    return result


def statistics_of(locus: Locus, kind: str) -> list[Tensor] | None:
    """The statistic of every model, or None if one has none here."""
    found = [locus.statistic(model, kind) for model in range(len(locus.models))]
    present = [tensor for tensor in found if tensor is not None]
    return present if len(present) == len(found) else None


def quotient(numerator: Tensor, denominator: Tensor, empty: float | Tensor) -> Tensor:
    """Element by element, `empty` where the denominator is 0 and there is nothing to divide."""
    blank = denominator == 0
    return torch.where(blank, empty, numerator / torch.where(blank, 1.0, denominator))
