"""RobustMerge, first called CoPA-Merging (2025, arXiv 2502.17159)."""

import torch
from torch import Tensor

from speciate.configs.operators.adapters import RobustMerge
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.operator import AdapterOperator, Module, kept
from speciate.population.operators.stages import divide, total


def merge(module: Module, parameters: RobustMerge, _: None) -> Factors:
    """The sum of the trimmed A, and the mean of the trimmed B weighted by what A's rows lost."""
    trimmed = [kept(one.a, parameters.density) for one in module.present]
    # Row scales are those of this very module; they never travel to the next one.
    scales = [
        row_scales(one.a, rows, parameters.floor)
        for one, rows in zip(module.present, trimmed, strict=True)
    ]
    columns = [
        kept(one.scaled_b, parameters.density) * scale
        for one, scale in zip(module.present, scales, strict=True)
    ]
    b = divide(total(columns), total(scales))
    return Factors(total(trimmed) * parameters.scale, b * parameters.scale)


def row_scales(a: Tensor, trimmed: Tensor, floor: float) -> Tensor:
    """By how much each row of A (r, in) has to grow to get its L1 norm back, lifted to a quantile.

    A row that lost everything is no direction any more: its scale is 0, where the ratio would be
    infinite, and it does not count for the quantile.
    """
    before, after = (matrix.double().abs().sum(dim=1) for matrix in (a, trimmed))
    alive = after > 0
    if not bool(alive.any()):
        return torch.zeros(len(a))
    scales = divide(before, after)
    least = torch.quantile(scales[alive], floor)
    return torch.where(alive, scales.clamp(min=least), 0.0).float()


OPERATOR = AdapterOperator(
    "robust_merge", RobustMerge, merge, equal_ranks=True, paper="arXiv 2502.17159"
)
