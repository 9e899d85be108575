"""Arcee Fusion: take over only the changes that stand out (as in mergekit)."""

from typing import NamedTuple

import torch
from torch import Tensor

from speciate.configs.operators.averaging import ArceeFusion
from speciate.population.operators.averaging.quantiles import quantiles
from speciate.population.operators.operator import ONE, Grain, Locus, Operator, View

_SPREAD = 1.5


class Standard(NamedTuple):
    """What changes are measured by: divergence of each row (rows, 1), and least importance."""

    divergences: Tensor
    threshold: float


def divergences(locus: Locus) -> Tensor:
    """Kullback-Leibler divergence of the softmax of each row of the model from the base's.

    Returns:
        Float64 (rows, 1), not negative.
    """
    model, base = (
        torch.log_softmax(rows.double(), dim=-1) for rows in (locus.models[0], locus.base)
    )
    return (model.exp() * (model - base)).sum(dim=-1, keepdim=True).clamp(min=0)


def importance(locus: Locus, rows: Tensor) -> Tensor:
    """Magnitude of the task vector times the divergence of the row, for each element."""
    first = locus.start // max(locus.shape[-1], 1)
    own = rows[first : first + locus.shape[0]].to(locus.base.device)
    return (locus.models[0] - locus.base).abs() * own


def measure(view: View, _: ArceeFusion, __: None) -> Standard:
    """Median plus 1.5 interquartile ranges of the importance, over the whole tensor."""
    parts = view.map(lambda locus: divergences(locus).cpu())
    rows = torch.cat(parts) if parts else torch.zeros(0, 1)
    # In units of the largest, or else products of small numbers would not be told from 0.
    rows = (rows / rows.max()).float() if rows.any() else rows.float()
    low, median, high = quantiles(view, lambda locus: importance(locus, rows), (0.25, 0.5, 0.75))
    return Standard(rows, median + _SPREAD * (high - low))


def merge(locus: Locus, _: ArceeFusion, standard: Standard) -> Tensor:
    """The model where the importance reaches the threshold, else the base."""
    kept = importance(locus, standard.divergences).double() >= standard.threshold
    return torch.where(kept, locus.models[0], locus.base)


OPERATOR = Operator(
    "arcee_fusion",
    "averaging",
    {"base": ONE, "model": ONE},
    ArceeFusion,
    merge,
    grain=Grain.ROW,
    measure=measure,
    paper="mergekit",
)
