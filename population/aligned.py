"""A model seen with its rows in another order, gathered when they are read, a block at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from speciate.population.genome import Source

ZERO, MEAN = -1, -2
"""In the place of a giver's number: a row of zeros, and a mean of rows."""


class Run(NamedTuple):
    """Rows [start, stop) that are read together: from which giver, and from which row on."""

    start: int
    stop: int
    giver: int
    place: int


@dataclass(frozen=True)
class Rows:
    """Where each row of a model's embedding comes from.

    Attributes:
        model: Number of the model.
        size: How many rows it has itself.
        givers: (rows) number of the model it is read from; -1 is a row of zeros, -2 a mean.
        places: (rows) number of the row there.
        means: For each row that is a mean, the models and rows that it is the mean of.
    """

    model: int
    size: int
    givers: Tensor
    places: Tensor
    means: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def unmoved(self) -> bool:
        """Whether they are the model's own rows in their own order."""
        own = torch.arange(self.size)
        return bool((self.givers == self.model).all()) and torch.equal(self.places, own)

    @property
    def own(self) -> "Rows":
        """Only the rows that are the model's own, and zeros."""
        givers = torch.where(self.givers == self.model, self.givers, ZERO)
        return replace(self, givers=givers, means={})

    def runs(self, start: int, stop: int) -> Iterator[Run]:
        """The rows [start, stop) cut into runs that lie side by side in one giver."""
        givers, places = self.givers[start:stop], self.places[start:stop]
        same = (givers[1:] == givers[:-1]) & (givers[1:] != MEAN)
        same &= (places[1:] == places[:-1] + 1) | (givers[1:] == ZERO)
        cuts = torch.cat([torch.zeros(1, dtype=torch.long), (~same).nonzero()[:, 0] + 1])
        ends = [*(cuts[1:] + start).tolist(), stop]
        begins = (cuts + start).tolist()
        return map(Run, begins, ends, givers[cuts].tolist(), places[cuts].tolist())


@dataclass(frozen=True)
class Aligned:
    """A `Source` whose embedding and head have the rows of the common vocabulary.

    Attributes:
        source: The model itself.
        names: Of its tensors, without those that are not merged.
        moved: Names of the tensors that have a row for each token.
        rows: Where these rows come from.
        givers: The models that rows are read from, by number.
    """

    source: Source
    names: tuple[str, ...]
    moved: frozenset[str] = frozenset()
    rows: Rows | None = None
    givers: Mapping[int, Source] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.source.label

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        shape = self.source.shape(name)
        if self.rows is None or name not in self.moved:
            return shape
        return (len(self.rows.givers), *shape[1:])

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor."""
        return self.source.dtype(name)

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat; of the model's own type."""
        if self.rows is None or name not in self.moved:
            return self.source.read(name, start, stop)
        if start >= stop:
            return torch.empty(0, dtype=self.dtype(name))
        width = torch.Size(self.source.shape(name)[1:]).numel()
        first, last = start // width, -(-stop // width)
        found = torch.empty((last - first) * width, dtype=self.dtype(name))
        for run in self.rows.runs(first, last):
            part = found[(run.start - first) * width : (run.stop - first) * width]
            part.copy_(self._rows(self.rows, name, run, width))
        return found[start - first * width : stop - first * width]

    def _rows(self, rows: Rows, name: str, run: Run, width: int) -> Tensor:
        if run.giver == ZERO:
            return torch.zeros(1)
        if run.giver == MEAN:
            return self._mean(name, rows.means[run.start], width)
        begin, size = run.place * width, (run.stop - run.start) * width
        return self.givers[run.giver].read(name, begin, begin + size)

    def _mean(self, name: str, places: Sequence[tuple[int, int]], width: int) -> Tensor:
        total = torch.zeros(width)
        for giver, row in places:
            total += self.givers[giver].read(name, row * width, (row + 1) * width).float()
        return total / len(places)


@dataclass(frozen=True)
class AlignedModel(Aligned):
    """An aligned model, with what a child that is like it needs to know.

    Attributes:
        path: The model's folder.
        config: Content of config.json, with the common vocabulary's size and special tokens.
    """

    path: Path = Path()
    config: Mapping[str, Any] = field(default_factory=dict)
