"""SCE: select, calculate, erase ("FuseChat", Wan et al., 2024, arXiv 2408.07990)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.task_vectors import Sce
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator, View
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.stages import (
    agreeing,
    divide,
    dot,
    elect_signs,
    kept_count,
    nonzero,
    task_vectors,
    total,
    trim,
    weighted,
)
from speciate.population.operators.task_vectors.election import majority_of
from speciate.population.operators.task_vectors.exact import density_of
from speciate.population.operators.task_vectors.task_arithmetic import onto_base


class Facts(NamedTuple):
    """Which elements are selected (None: all), a weight a model, the sign where all cancels."""

    selection: Cut | None
    weights: Sequence[float]
    majority: int


def measure(view: View, parameters: Sce, _: None) -> Facts:
    """The elements of the largest variance, and each model's part of their energy."""
    cut = None if parameters.select_topk == 1 else _selection(view, parameters.select_topk)
    weights = _energies(view, cut)
    merged = cut if parameters.merge == "selected" else None
    majority = majority_of(view, parameters, lambda locus: _selected(locus, merged))
    return Facts(merged, weights, majority)


def _selection(view: View, fraction: float) -> Cut:
    varied = sum(view.map(lambda locus: int(_variance(locus).count_nonzero())))
    density = density_of(kept_count(fraction, varied), math.prod(view.shape))
    return largest(view, lambda locus: [_variance(locus)], [density])[0]


def _variance(locus: Locus) -> Tensor:
    """Of the models, times N cubed: only its order matters, and where it is 0.

    Measured from the first model and without a division, so that equal models have exactly 0.
    """
    offsets = [model - locus.models[0] for model in locus.models]
    whole = total(offsets)
    deviations = [(offset * len(offsets)).sub_(whole) for offset in offsets]
    return total([deviation.mul_(deviation) for deviation in deviations])


def _selected(locus: Locus, cut: Cut | None) -> list[Tensor]:
    vectors = task_vectors(locus)
    if cut is None:
        return vectors
    mask = cut.mask(locus, _variance(locus))
    return [trim(vector, mask) for vector in vectors]


def _energies(view: View, cut: Cut | None) -> list[float]:
    """Each model's part of the sum of squares; equal parts where all are 0."""
    parts = view.map(lambda locus: [dot(v, v) for v in _selected(locus, cut)])
    sums = [math.fsum(squares) for squares in zip(*parts, strict=True)]
    whole = math.fsum(sums)
    return [one / whole if whole > 0 else 1 / len(sums) for one in sums]


def merge(locus: Locus, parameters: Sce, facts: Facts) -> Tensor:
    """The base plus `scale` times the mean, by energy, of what has the elected sign."""
    vectors = _selected(locus, facts.selection)
    signs = elect_signs(vectors, facts.majority)
    kept = [agreeing(vector, signs) for vector in vectors]
    shares = weighted([nonzero(vector) for vector in kept], facts.weights)
    mean = divide(total(weighted(kept, facts.weights)), total(shares))
    return onto_base(locus, parameters, mean.mul_(signs))


OPERATOR = Operator(
    "sce",
    "task_vectors",
    BASE_AND_MODELS,
    Sce,
    merge,
    measure=measure,
    paper="arXiv 2408.07990",
    symmetric=True,
)
