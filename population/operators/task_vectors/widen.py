"""WIDEN: weight disentanglement (Yu et al., 2024, arXiv 2408.03092)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import Widen
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator, View
from speciate.population.operators.stages import divide, task_vectors, total
from speciate.population.operators.task_vectors.task_arithmetic import onto_base
from speciate.population.structure import Place


class Sums(NamedTuple):
    """Per column, in float64: the sum of squares of the base and of each model, and products."""

    base: Tensor
    models: Tensor
    products: Tensor


def measure(view: View, parameters: Widen, _: None) -> Sequence[Tensor]:
    """Per model, the factor of each column of its task vector (of each row of an embedding).

    Nothing for vectors: they have no columns, and are weighed by the magnitudes of their elements.
    """
    if len(view.shape) < 2 or 0 in view.shape:
        return ()
    parts = view.map(_sums)
    if _by_rows(view.place):
        sums = Sums(*(torch.cat(part, dim=-1) for part in zip(*parts, strict=True)))
    else:
        sums = Sums(*(total(part) for part in zip(*parts, strict=True)))
    lengths, norm = sums.models.sqrt(), sums.base.sqrt()
    cosines = divide(sums.products, lengths * norm)
    # A column of zeros has no direction, so it cannot have turned.
    turned = torch.where(lengths * norm > 0, 1 - cosines, 0.0)
    scores = [_scores(_ranks(change), parameters) for change in ((lengths - norm).abs(), turned)]
    return list(total(scores).mul_(0.5).float())


def _by_rows(place: Place) -> bool:
    """Whether a token has a row, not a column."""
    return place.kind == "embedding"


def _sums(locus: Locus) -> Sums:
    base = locus.base.double()
    models = torch.stack([model.double() for model in locus.models])
    dim = -1 if _by_rows(locus.place) else -2
    return Sums((base * base).sum(dim), (models * models).sum(dim), (models * base).sum(dim))


def _ranks(changes: Tensor) -> Tensor:
    """Place of each column among those of its model by ascending change, from 0 to below 1."""
    order = changes.sort(dim=-1, stable=True).indices
    places = torch.arange(changes.shape[-1], dtype=changes.dtype, device=changes.device)
    ranks = torch.empty_like(changes).scatter_(-1, order, places.expand_as(changes))
    return ranks / changes.shape[-1]


def _scores(significance: Tensor, parameters: Widen) -> Tensor:
    """Per model (first dimension) and column: the softmax over models; a constant if salient."""
    mean = significance.mean(dim=-1, keepdim=True)
    return torch.where(
        significance > parameters.threshold * mean, parameters.salient, significance.softmax(dim=0)
    )


def merge(locus: Locus, parameters: Widen, factors: Sequence[Tensor]) -> Tensor:
    """The base plus `scale` times the sum of the task vectors times the factors of their columns.

    The factors are not normalised: they may sum to as many as there are models.
    """
    vectors = task_vectors(locus)
    if not factors:
        magnitudes = torch.stack([vector.abs().double().reshape(-1) for vector in vectors])
        factors = [score.reshape(locus.shape) for score in _scores(magnitudes, parameters).float()]
    elif _by_rows(locus.place):
        first = locus.start // locus.shape[-1]
        factors = [factor[first : first + locus.shape[0], None] for factor in factors]
    parts = [vector * factor for vector, factor in zip(vectors, factors, strict=True)]
    return onto_base(locus, parameters, total(parts))


OPERATOR = Operator(
    "widen",
    "task_vectors",
    BASE_AND_MODELS,
    Widen,
    merge,
    grain=Grain.ROW,
    measure=measure,
    paper="arXiv 2408.03092",
    symmetric=True,
)
