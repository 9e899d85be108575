"""Breeding: carries a recipe out, locus by locus, from the parents' folders to a new one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from speciate.errors import BreedError
from speciate.population.crew import Crew, default_jobs
from speciate.population.frame import SHARD_BYTES, new_model
from speciate.population.genome import Parents, Reader, Span
from speciate.population.operators.operator import no_context
from speciate.population.order import in_own_order
from speciate.population.plan import Plan, Segment, make_plan
from speciate.population.processes import Tell, can_fork, side_by_side
from speciate.population.safetensors_writer import Ledger
from speciate.records import Recipe

R = TypeVar("R")
Put = Callable[[str, int, Tensor], memoryview]
"""Takes the name of a tensor, the flat index of the first element, and values from there on."""
WORTH_FORKING = 1 << 26
"""Bytes of a child from which on processes are faster than threads."""


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
    fork: bool = False,
) -> str:
    """Writes the child of a plan.

    Args:
        plan: What to do.
        out: The new model folder; it appears complete or not at all.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.
        jobs: Threads or processes; one a core if not given.
        device: Where tensors are computed with, as torch calls it.
        progress: Told how many bytes of the child were written since it was last told.
        finish: May add files to the folder, given the digest, before it gets its name.
        fork: Whether jobs may be processes, forked from this one, where that is faster. Only for
            programs that run no engine and use no GPU themselves.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: `out` exists already.
        ModelError: A parent is not finite or became unreadable.
        DiskError: The disk has no room or cannot be written.
        BreedError: The result is not finite.
    """
    jobs = jobs or default_jobs()
    plan = ordered(plan)
    with new_model(out, plan.frame, shard_bytes) as writer:
        divided = fork and device == "cpu" and can_fork() and plan.frame.nbytes >= WORTH_FORKING
        if divided:
            divide(plan, jobs, writer, progress)
        else:
            with Crew(jobs) as crew:
                _write(plan.segments, plan.recipe.seed, crew, writer, device, progress)
        digest = writer.digest()
        finish(writer.folder, digest)
        return digest


def ordered(plan: Plan) -> Plan:
    """The plan with models in an order of their own, wherever it makes no difference."""
    return replace(plan, segments=tuple(map(in_own_order, plan.segments)))


def divide(
    plan: Plan,
    jobs: int,
    ledger: Ledger,
    progress: Callable[[int], None] = lambda _: None,
    finished: Callable[[str], None] | None = None,
) -> None:
    """Breeds all tensors, each by one of several processes that are forked from this one.

    Args:
        plan: What to do, ordered.
        jobs: Processes, and threads of theirs if there are fewer tensors that matter.
        ledger: Puts what it is given where this process finds it.
        progress: Told how many bytes were bred since it was last told.
        finished: Called in the forked processes with each tensor that is complete. If it is given,
            tensors are begun in the order of the plan, for somebody who waits for them.

    Raises:
        KilledError: A process was killed.
        ModelError: A parent is not finite or became unreadable.
        BreedError: The result is not finite.
    """
    seed = plan.recipe.seed
    with Crew(jobs) as crew:
        segments = [_prepared(segment, seed, crew) for segment in plan.segments]
    tensors = [(segment, name) for segment in segments for name in segment.names]
    sizes = [_size(*pair) for pair in tensors]
    processes = max(min(jobs, -(-sum(sizes) // max(*sizes, 1))), 1)
    if finished is None:
        # Largest first, so that none is left to one process while the others have nothing to do.
        tensors.sort(key=lambda pair: -_size(*pair))

    def work(numbers: Iterator[int], tell: Tell) -> dict[str, tuple[int, str]]:
        with Crew(jobs // processes) as crew:
            for number in numbers:
                segment, name = tensors[number]
                _write([replace(segment, names=(name,))], seed, crew, ledger, "cpu", tell)
                if finished is not None:
                    finished(name)
        return ledger.accounts()

    for accounts in side_by_side(work, len(tensors), processes, progress):
        ledger.take_over(accounts)


def _size(segment: Segment, name: str) -> int:
    return torch.Size(segment.frame.shape(name)).numel()


def _prepared(segment: Segment, seed: int, crew: Crew) -> Segment:
    """A segment that can be parted: what needs all of its tensors has been found out."""
    prepare, parameters = segment.operator.prepare, segment.parameters
    if prepare is no_context:
        return segment
    reader = _reader(segment, seed)
    parents = _parents(segment, reader, crew)
    with _blamed(parents, reader):
        context = prepare(parents, parameters)
    return replace(segment, operator=replace(segment.operator, prepare=lambda _, __: context))


def _write(
    segments: Iterable[Segment],
    seed: int,
    crew: Crew,
    ledger: Ledger,
    device: str,
    progress: Callable[[int], None],
) -> None:
    for segment in segments:
        for name, data in child_of(segment, seed, crew, ledger.put, device):
            ledger.account(name, data)
            progress(len(data))


def child_of(
    segment: Segment, seed: int, crew: Crew, put: Put, device: str = "cpu"
) -> Iterator[tuple[str, memoryview]]:
    """Copies what is not of floating point, and merges the rest, in the order of the tensors.

    Args:
        segment: Which tensors, by which operator, from whom.
        seed: Of the recipe.
        crew: Does the work.
        put: Given the values of consecutive elements, returns the bytes to store; called by the
            crew, for several spans at once.
        device: Where tensors are computed with, as torch calls it.

    Yields:
        The name of a tensor and its next bytes. Tensors without elements are left out.
    """
    frame = segment.frame
    for name in segment.names:
        if not frame.dtype(name).is_floating_point:
            size = torch.Size(frame.shape(name)).numel()
            yield name, put(name, 0, frame.read(name, 0, size))

    def use(span: Span, values: Tensor) -> tuple[str, memoryview]:
        start = span.matrix.start + span.start
        return span.place.name, put(span.place.name, start, values.reshape(-1))

    yield from values_of(segment, seed, crew, use, device)


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
    reader = _reader(segment, seed, device)
    parents = _parents(segment, reader, crew)
    reading = parents.reader if operator.dense else reader

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

    with _blamed(parents, reader):
        yield from crew.map(work, measured(), reader.ahead)


@contextmanager
def _blamed(parents: Parents, checked: Reader) -> Iterator[None]:
    """Most often a parent is to blame that is not finite: then the error names it."""
    try:
        yield
    except (BreedError, ArithmeticError, ValueError, RuntimeError):
        for view in parents.views():
            for span in view.spans:
                checked.locus(span)
        raise


def _reader(segment: Segment, seed: int, device: str = "cpu") -> Reader:
    return Reader(
        segment.sources,
        segment.operator.grain_for(segment.parameters),
        (seed, segment.operator.name),
        segment.statistics,
        torch.device(device),
    )


def _parents(segment: Segment, reader: Reader, crew: Crew) -> Parents:
    """Unchecked: what is not finite is searched for once, where it could be hidden."""
    unchecked = replace(reader, checked=False)
    return Parents(unchecked, segment.names, segment.structure, segment.config, crew)
