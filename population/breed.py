"""Breeding: carries a recipe out, locus by locus, from the parents' folders to a new one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from speciate.errors import BreedError
from speciate.population.crew import Crew
from speciate.population.frame import SHARD_BYTES, new_model
from speciate.population.genome import Parents, Reader, Span
from speciate.population.plan import Plan, Segment, make_plan
from speciate.population.safetensors_writer import Writer
from speciate.records import Recipe

R = TypeVar("R")


def breed(
    recipe: Recipe,
    models: Mapping[str, Path],
    out: Path,
    dtype: str | None = None,
    shard_bytes: int = SHARD_BYTES,
    jobs: int | None = None,
) -> str:
    """Makes the individual of a recipe; the same recipe and parents always give the same bytes.

    Args:
        recipe: Of a registered operator.
        models: Model folder of each parent's id.
        out: The new model folder; it appears complete or not at all.
        dtype: float32, bfloat16 or float16; None keeps the base's or first parent's.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.
        jobs: Threads; one a core if not given.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: `out` exists already, or `dtype` is another.
        ConfigError: The recipe is not one that the operator can carry out.
        ModelError: A parent is damaged, not finite, or does not fit the others.
        DiskError: The disk has no room or cannot be written.
        BreedError: A parent's folder is not given, or the result is not finite.
    """
    return carry_out(make_plan(recipe, models, dtype), out, shard_bytes, jobs)


def carry_out(
    plan: Plan,
    out: Path,
    shard_bytes: int = SHARD_BYTES,
    jobs: int | None = None,
    device: str = "cpu",
    progress: Callable[[int], None] = lambda _: None,
    finish: Callable[[Path, str], None] = lambda _, __: None,
) -> str:
    """Writes the child of a plan.

    Args:
        plan: What to do.
        out: The new model folder; it appears complete or not at all.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.
        jobs: Threads; one a core if not given.
        device: Where tensors are computed with, as torch calls it.
        progress: Told how many bytes of the child were written since it was last told.
        finish: May add files to the folder, given the digest, before it gets its name.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: `out` exists already.
        ModelError: A parent is not finite or became unreadable.
        DiskError: The disk has no room or cannot be written.
        BreedError: The result is not finite.
    """
    with new_model(out, plan.frame, shard_bytes) as writer, Crew(jobs) as crew:
        for segment in plan.segments:
            for name, data in _written(segment, plan.recipe.seed, crew, writer, device):
                writer.account(name, data)
                progress(len(data))
        digest = writer.digest()
        finish(writer.folder, digest)
        return digest


def _written(
    segment: Segment, seed: int, crew: Crew, writer: Writer, device: str
) -> Iterator[tuple[str, memoryview]]:
    """Copies what is not of floating point, and merges the rest, in the order of the tensors."""
    frame = segment.frame
    for name in segment.names:
        if not frame.dtype(name).is_floating_point:
            size = torch.Size(frame.shape(name)).numel()
            yield name, writer.put(name, 0, frame.read(name, 0, size))

    def put(span: Span, values: Tensor) -> tuple[str, memoryview]:
        start = span.matrix.start + span.start
        return span.place.name, writer.put(span.place.name, start, values.reshape(-1))

    yield from values_of(segment, seed, crew, put, device)


def values_of(
    segment: Segment,
    seed: int,
    crew: Crew,
    use: Callable[[Span, Tensor], R],
    device: str = "cpu",
) -> Iterator[R]:
    """Merges all loci of a segment, in order.

    Args:
        segment: Which tensors, by which operator, from whom.
        seed: Of the recipe.
        crew: Does the work.
        use: Called by the crew with each span and its float32 values.
        device: Where tensors are computed with, as torch calls it.

    Yields:
        What `use` returned.
    """
    operator, parameters = segment.operator, segment.parameters
    reader = Reader(
        segment.sources,
        operator.grain_for(parameters),
        (seed, operator.name),
        segment.statistics,
        torch.device(device),
    )
    unchecked = replace(reader, checked=False)
    parents = Parents(unchecked, segment.names, segment.structure, segment.config, crew)
    reading = unchecked if operator.dense else reader

    def measured() -> Iterator[tuple[Span, Any]]:
        """Measures each matrix in its turn, while loci of the one before are being merged."""
        context = operator.prepare(parents, parameters)
        for view in parents.views():
            facts = operator.measure(view, parameters, context)
            for span in view.spans:
                yield span, facts

    def work(item: tuple[Span, Any]) -> R:
        span, facts = item
        return use(span, operator.merge(reading.locus(span), parameters, facts))

    try:
        yield from crew.map(work, measured(), reader.ahead)
    except (BreedError, ArithmeticError, ValueError, RuntimeError):
        # Most often a parent is to blame that is not finite: then the error names it.
        for view in parents.views():
            for span in view.spans:
                reader.locus(span)
        raise
