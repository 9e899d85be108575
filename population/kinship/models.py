"""Moments of models, in one pass over the weights of all of them."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from speciate.errors import ModelError
from speciate.population.crew import Crew
from speciate.population.genome import BLOCK, Source
from speciate.population.kinship.moments import WHOLE, Moments, Part, total
from speciate.population.structure import Structure

_ROWS = 64
_ELEMENTS, _LEAST = 1 << 22, 1 << 12
"""Float64 numbers of all models that a thread holds at once; and of each model at the least."""


class _Run(NamedTuple):
    part: Part
    name: str
    start: int
    stop: int


def moments_of_models(
    models: Sequence[Source],
    origins: Sequence[Source] = (),
    jobs: int | None = None,
    by_part: bool = False,
) -> dict[Part, Moments]:
    """Moments of task vectors: weights minus the mean of the origins.

    Only tensors of floating point count that all models and origins have in the same shape. What
    is summed, and in what order, does not depend on the number of jobs, nor on shards.

    Args:
        models: Whose task vectors; read once, block by block.
        origins: The common base, or all founders where there is none; weights count as they are
            if nothing is given.
        jobs: Threads; one a core if not given.
        by_part: Whether blocks and kinds of modules are kept apart, or summed as `WHOLE`.

    Raises:
        ModelError: The models share no tensor; or a file became unreadable.
    """
    runs = list(_runs([*models, *origins], len(models), by_part))
    if not runs:
        raise ModelError(f"{models[0].label}: shares no weights with the others; compare others")
    with Crew(jobs) as crew:
        return total(crew.map(lambda run: (run.part, _moments(models, origins, run)), runs, 1))


def _runs(sources: Sequence[Source], count: int, by_part: bool) -> Iterator[_Run]:
    """What is read at once: as few elements of each as there are many."""
    step = min(max(_ELEMENTS // count // 64 * 64, _LEAST), BLOCK)
    structure = Structure(sources[0].names)
    for name in _shared(sources):
        place = structure.place(name)
        part = (place.layer, place.kind) if by_part else WHOLE
        size = math.prod(sources[0].shape(name))
        for start in range(0, size, step):
            yield _Run(part, name, start, min(start + step, size))


def _shared(sources: Sequence[Source]) -> list[str]:
    first, *others = sources
    names = set(first.names).intersection(*(one.names for one in others))
    return [
        name
        for name in sorted(names)
        if first.dtype(name).is_floating_point
        and all(one.shape(name) == first.shape(name) for one in others)
    ]


def _moments(models: Sequence[Source], origins: Sequence[Source], run: _Run) -> Moments:
    """Of one run, in float64, in which products of two weights are exact."""
    span = run.name, run.start, run.stop
    vectors = torch.empty(len(models), run.stop - run.start, dtype=torch.float64)
    origin = torch.zeros(run.stop - run.start, dtype=torch.float64)
    for one in origins:
        origin += one.read(*span)
    if origins:
        origin /= len(origins)
    for row, model in zip(vectors, models, strict=True):
        row.copy_(model.read(*span))
        row -= origin
    products = torch.zeros(len(models), len(models), dtype=torch.float64)
    for start in range(0, len(models), _ROWS):
        # The upper triangle and little more: the rest says the same again.
        rows = vectors[start : start + _ROWS]
        products[start : start + _ROWS, start:] = rows @ vectors[start:].T
    return Moments(vectors.shape[1], vectors.sum(dim=1).numpy(), products.numpy())
