"""What a merge will cost: time by a small trial, and memory by what is held at once."""

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from speciate.digests import places
from speciate.population.breed import values_of
from speciate.population.crew import Crew
from speciate.population.genome import BLOCK, Reader, Span
from speciate.population.matrices import matrices
from speciate.population.operators.operator import Grain
from speciate.population.plan import Plan, Segment
from speciate.population.safetensors_writer import raw_bytes

# A tensor of this many elements is large enough for the trial, and still read in no time.
_ENOUGH = 1 << 20
# Copies of a locus that an operator makes, in units of a float32 tensor: those that look at whole
# matrices decompose them in float64.
_TEMPORARIES: Mapping[Grain, int] = {Grain.ELEMENT: 3, Grain.ROW: 3, Grain.MATRIX: 8}


@dataclass(frozen=True)
class Trial:
    """A tensor that was merged to see how long it takes.

    Attributes:
        name: Of the tensor.
        seconds: That the whole merge would take.
    """

    name: str
    seconds: float


def memory(plan: Plan, jobs: int) -> int:
    """Bytes that tensors take at most while the merge runs, by a rough count."""
    return jobs * max(_memory(segment) for segment in plan.segments)


def _memory(segment: Segment) -> int:
    """Of one job: the loci of all parents, what is made of them, and results that wait."""
    grain = segment.operator.grain_for(segment.parameters)
    sizes = [math.prod(shape) for _, shape in _matrices(segment)]
    columns = [shape[-1] if shape else 1 for _, shape in _matrices(segment)]
    largest = max(sizes, default=0)
    if grain is not Grain.MATRIX:
        largest = min(largest, max(BLOCK, *columns) if grain is Grain.ROW else BLOCK)
    sources = [one for ones in segment.sources.values() for one in ones]
    stored = max((segment.frame.dtype(name).itemsize for name in segment.names), default=4)
    read = (len(sources) + len(segment.statistics)) * (stored + 4)
    waiting = Reader(segment.sources, grain).ahead * stored
    return largest * (read + 4 * _TEMPORARIES[grain] + waiting)


def trial(plan: Plan, jobs: int) -> Trial | None:
    """Merges one tensor and tells from it how long all will take; None if that says nothing.

    Nothing is written, so that the disk's speed is left out.
    """
    segment = max(plan.segments, key=lambda one: sum(_costs(one).values()))
    # Alignment reads the whole model before the first tensor.
    if segment.operator.family == "alignment":
        return None
    costs = _costs(segment)
    if not costs:
        return None
    ordered = sorted(costs, key=lambda name: (costs[name], name))
    large = (one for one in ordered if math.prod(segment.frame.shape(one)) >= _ENOUGH)
    name = next(large, ordered[-1])
    with Crew(1) as crew:
        # The first time, libraries are loaded and threads are started.
        _time(segment, ordered[0], plan, crew)
        seconds = _time(segment, name, plan, crew)
    whole = sum(sum(_costs(one).values()) for one in plan.segments)
    return Trial(name, seconds * whole / costs[name] / min(jobs, os.cpu_count() or 1))


def _time(segment: Segment, name: str, plan: Plan, crew: Crew) -> float:
    dtypes = {spec.name: spec.dtype for spec in plan.frame.specs}

    def use(span: Span, values: Tensor) -> None:
        stored = values.to(dtypes[span.place.name]).cpu().reshape(-1)
        hashlib.sha256(raw_bytes(stored)).digest()

    begin = time.perf_counter()
    for _ in values_of(replace(segment, names=(name,)), plan.recipe.seed, crew, use):
        pass
    return time.perf_counter() - begin


def _costs(segment: Segment) -> dict[str, float]:
    """Work on each tensor that is merged, in units of the operator: elements, or those of SVDs."""
    whole = segment.operator.grain_for(segment.parameters) is Grain.MATRIX
    costs: dict[str, float] = {}
    for name, shape in _matrices(segment):
        shorter = min(shape) if whole and len(shape) > 1 else 1
        costs[name] = costs.get(name, 0) + math.prod(shape) * shorter
    return {name: cost for name, cost in costs.items() if cost > 0}


def _matrices(segment: Segment) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name in segment.names:
        if segment.frame.dtype(name).is_floating_point:
            for matrix in matrices(name, segment.frame.shape(name), segment.config):
                yield name, matrix.shape


def size_of(path: Path) -> int:
    """Bytes of the safetensors files of a model, an adapter or statistics."""
    return sum(file.stat().st_size for file in set(places(path).values()))
