"""Model Breadcrumbs (Davari and Belilovsky, 2023, arXiv 2312.06795)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.common import numbers
from speciate.configs.operators.task_vectors import Breadcrumbs, Crumbs
from speciate.errors import ConfigError
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator, View
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.stages import (
    kept_count,
    task_vectors,
    top_k_rows,
    trim,
)
from speciate.population.operators.task_vectors.exact import density_of
from speciate.population.operators.task_vectors.task_arithmetic import combined, onto_base
from speciate.population.operators.weighting import check_densities, check_weights
from speciate.population.structure import Place, at


class Band(NamedTuple):
    """Of one task vector, the largest elements down to the last kept; and of these the outliers."""

    kept_or_larger: Cut
    outliers: Cut


def bands(view: View, parameters: Crumbs, _: None = None) -> Sequence[Band]:
    """What is kept of each task vector; empty where it is told row by row."""
    if parameters.scope == "row":
        return ()
    size = math.prod(view.shape)
    counts = [_counts(parameters, view.place, n, size) for n in range(len(view.one(0).models))]
    wanted = [density_of(count, size) for top, kept in counts for count in (top + kept, top)]
    cuts = largest(view, lambda locus: [v for v in task_vectors(locus) for _ in range(2)], wanted)
    return [Band(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=True)]


def _counts(parameters: Crumbs, place: Place, number: int, size: int) -> tuple[int, int]:
    """How many of the largest are dropped, and how many are kept of the others."""
    top = kept_count(at(parameters.gamma, place), size)
    return top, min(kept_count(at(parameters.density, place, number), size), size - top)


def crumbs(locus: Locus, parameters: Crumbs, kept: Sequence[Band]) -> list[Tensor]:
    """The task vectors without their largest and their smallest elements."""
    vectors = task_vectors(locus)
    if parameters.scope == "row":
        return [
            _middle(vector, *_counts(parameters, locus.place, n, vector.shape[-1]))
            for n, vector in enumerate(vectors)
        ]
    return [
        band.kept_or_larger.trim(locus, vector) - band.outliers.trim(locus, vector)
        for band, vector in zip(kept, vectors, strict=True)
    ]


def _middle(rows: Tensor, top: int, kept: int) -> Tensor:
    """Per row, the elements after the `top` largest, so many as are to be kept."""
    larger = top_k_rows(rows, density_of(top + kept, rows.shape[-1]))
    if top:
        larger ^= top_k_rows(rows, density_of(top, rows.shape[-1]))
    return trim(rows, larger)


def merge(locus: Locus, parameters: Breadcrumbs, kept: Sequence[Band]) -> Tensor:
    """The base plus `scale` times the weighted sum of what is kept."""
    vectors = crumbs(locus, parameters, kept)
    return onto_base(locus, parameters, combined(locus, parameters, vectors))


def check(parameters: Crumbs, count: int) -> None:
    """One weight and one density a model, and elements left to be kept.

    Raises:
        ConfigError: The numbers differ, or more is to be kept than gamma leaves.
    """
    check_weights(parameters.weights, count)
    check_densities(parameters.density, count)
    density, gamma = max(numbers(parameters.density)), max(numbers(parameters.gamma))
    if density + gamma > 1:
        raise ConfigError(f"gamma: {gamma:g} and density {density:g} exceed 1 together; lower one")


def grain(parameters: Crumbs) -> Grain:
    """Rows, where the largest are sought in each row."""
    return Grain.ROW if parameters.scope == "row" else Grain.ELEMENT


OPERATOR = Operator(
    "breadcrumbs",
    "task_vectors",
    BASE_AND_MODELS,
    Breadcrumbs,
    merge,
    grain=grain,
    measure=bands,
    check=check,
    paper="arXiv 2312.06795",
    symmetric=True,
)
