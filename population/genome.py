"""The parents of a recipe, cut into loci: what operators see of them, and in what order."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.crew import Crew
from speciate.population.matrices import Matrix, matrices
from speciate.population.operators.operator import Grain, Locus
from speciate.population.randomness import Stream, stream
from speciate.population.safetensors_writer import is_finite
from speciate.population.structure import Place, Structure

R = TypeVar("R")
BLOCK = 1 << 18
"""Elements of a locus: its float32 tensors stay in a core's cache. Part of what a seed means."""
_GLIMPSE = 1 << 9
ADAM = "exp_avg_sq"
"""The kind of statistics that may go by the plain names of the weights."""


class Source(Protocol):
    """Where the tensors of a parent come from; a `Checkpoint` is one."""

    @property
    def label(self) -> str:
        """How messages call it."""

    @property
    def names(self) -> Sequence[str]:
        """Of all tensors, sorted."""

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor."""

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat, as they are stored."""


class WholeModel(Source, Protocol):
    """A source that is a complete model, with a folder; a `Checkpoint` is one."""

    @property
    def path(self) -> Path:
        """Its folder, with config and tokenizer."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Content of config.json."""


Sources = Mapping[str, Sequence[Source]]


@dataclass(frozen=True)
class Span:
    """Elements [start, stop) of one matrix of one tensor."""

    place: Place
    matrix: Matrix
    start: int
    stop: int


@dataclass(frozen=True)
class Reader:
    """Reads loci from the parents.

    Attributes:
        sources: Parents by role.
        statistics: What was measured of each model; empty if nothing was.
        grain: Of the operator.
        key: Seed and names of the random streams.
        device: Where tensors are computed with.
        checked: Whether values that are not finite are refused; once for each locus will do.
    """

    sources: Sources
    grain: Grain = Grain.ELEMENT
    key: tuple[int, str] = (0, "")
    statistics: Sequence[Source] = ()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    checked: bool = True

    @property
    def ahead(self) -> int:
        """How many loci a thread are begun early: whole matrices take much memory."""
        return 0 if self.grain is Grain.MATRIX else 4

    def locus(self, span: Span) -> Locus:
        """The tensors of a span, of all parents.

        Raises:
            ModelError: One is not finite: operators that drop elements could hide it.
        """
        tensors = {
            role: tuple(self._tensor(source, span) for source in sources)
            for role, sources in self.sources.items()
        }
        streams = partial(self._stream, span)
        # A conversion makes a new tensor; what needs none may be the source's own memory.
        name = span.place.name
        owned = all(
            source.dtype(name) != torch.float32
            for sources in self.sources.values()
            for source in sources
        )
        return Locus(span.place, span.start, tensors, streams, self._statistic_of(span), owned)

    def _tensor(self, source: Source, span: Span) -> Tensor:
        start = span.matrix.start
        raw = source.read(span.place.name, start + span.start, start + span.stop)
        if self.checked and not is_finite(raw):
            raise ModelError(
                f"{source.label}: tensor {span.place.name} has NaN or infinite values; "
                "do not breed from this model"
            )
        return self._shaped(self._on_device(raw), span)

    def _on_device(self, raw: Tensor) -> Tensor:
        if self.device.type == "cpu":
            return raw.float()
        # From pinned memory the copy runs beside the computation.
        return raw.pin_memory().to(self.device, non_blocking=True).float()

    def _shaped(self, flat: Tensor, span: Span) -> Tensor:
        if self.grain is Grain.ELEMENT:
            return flat
        if self.grain is Grain.ROW:
            return flat.reshape(-1, max(span.matrix.columns, 1))
        return flat.reshape(span.matrix.shape)

    def _stream(self, span: Span, number: int) -> Stream:
        """By the parent's place in the recipe, so that nothing depends on how it is called."""
        seed, operator = self.key
        place = f"{span.place.part}:{span.start}"
        return stream(seed, operator, str(number), span.place.name, place)

    def _statistic_of(self, span: Span) -> Callable[[int, str], Tensor | None]:
        def statistic(model: int, kind: str) -> Tensor | None:
            if model >= len(self.statistics):
                return None
            source, name = self.statistics[model], f"{span.place.name}.{kind}"
            if kind == ADAM and name not in source.names:
                name = span.place.name
            if name not in source.names:
                return None
            shape = source.shape(name)
            like = next(iter(self.sources.values()))[0].shape(span.place.name)
            if shape == like:
                start = span.matrix.start
                part = source.read(name, start + span.start, start + span.stop)
                return self._shaped(self._on_device(part), span)
            return self._on_device(source.read(name, 0, torch.Size(shape).numel())).reshape(shape)

        return statistic


@dataclass(frozen=True)
class Loci:
    """Loci in order, to be mapped over by the crew."""

    spans: Sequence[Span]
    reader: Reader
    crew: Crew

    def map(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of every locus, in order; computed in parallel."""
        return list(
            self.crew.map(
                lambda span: function(self.reader.locus(span)), self.spans, self.reader.ahead
            )
        )

    def sample(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of a short run of elements of every locus; only for the grain ELEMENT."""
        spans = [
            replace(span, start=middle, stop=min(middle + _GLIMPSE, span.stop))
            for span in self.spans
            for middle in [(span.start + span.stop - min(_GLIMPSE, span.stop - span.start)) // 2]
        ]
        return list(self.crew.map(lambda span: function(self.reader.locus(span)), spans))

    def one(self, index: int) -> Locus:
        """The locus of this number."""
        return self.reader.locus(self.spans[index])


@dataclass(frozen=True)
class MatrixView(Loci):
    """All loci of one matrix."""

    place: Place = field(default_factory=lambda: Place("", "other", None, 0))
    shape: tuple[int, ...] = ()

    def keep(self, key: Hashable, make: Callable[[], AbstractContextManager[R]]) -> R:
        """What is made of a key once, for all matrices, and closed when all are merged."""
        return self.crew.keep(key, make)


class Parents:
    """A `Genome`: all matrices of all parents, in the order of the names."""

    def __init__(
        self,
        reader: Reader,
        names: Sequence[str],
        structure: Structure,
        config: Mapping[str, Any],
        crew: Crew,
    ) -> None:
        """Takes the names of the tensors that the child has from these parents."""
        self.reader = reader
        self.names = names
        self._structure = structure
        self.config = config
        self._crew = crew

    def views(self) -> Iterator[MatrixView]:
        """Every matrix or vector of floating point."""
        for where, matrix in self._matrices:
            spans = list(_spans(where, matrix, self.reader.grain))
            yield MatrixView(spans, self.reader, self._crew, where, matrix.shape)

    @cached_property
    def _matrices(self) -> Sequence[tuple[Place, Matrix]]:
        frame = next(iter(self.reader.sources.values()))[0]
        return [
            (replace(self._structure.place(name), part=matrix.part), matrix)
            for name in self.names
            if frame.dtype(name).is_floating_point
            for matrix in matrices(name, frame.shape(name), self.config)
            if matrix.size
        ]

    def map(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of every locus of every view, in order; computed in parallel."""
        return self._all().map(function)

    def sample(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of a short run of elements of every locus."""
        return self._all().sample(function)

    def one(self, index: int) -> Locus:
        """The locus of this number."""
        return self._all().one(index)

    def _all(self) -> Loci:
        spans = [span for view in self.views() for span in view.spans]
        return Loci(spans, self.reader, self._crew)


def _spans(place: Place, matrix: Matrix, grain: Grain) -> Iterator[Span]:
    if grain is Grain.MATRIX:
        yield Span(place, matrix, 0, matrix.size)
        return
    columns = max(matrix.columns, 1)
    step = BLOCK if grain is Grain.ELEMENT else max(BLOCK // columns, 1) * columns
    for start in range(0, matrix.size, step):
        yield Span(place, matrix, start, min(start + step, matrix.size))
