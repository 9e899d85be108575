"""A base with an adapter on it, read as if it were a model of its own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.factors import Factors


class Model(Protocol):
    """A model folder that is read by the tensor; a `Checkpoint` is one."""

    @property
    def path(self) -> Path:
        """The folder."""

    @property
    def label(self) -> str:
        """How messages call it."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Content of config.json."""

    @property
    def names(self) -> Sequence[str]:
        """Of all tensors, sorted."""

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor."""

    def tensor(self, name: str) -> Tensor:
        """A tensor as it is stored."""

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat, as they are stored."""


class AdaptedSource:
    """base + weight * s B A, made while it is read: no copy of the base is ever held.

    Computed in float32 and cast once to the stored type of the base. The sum over the rank is
    made of single element-wise operations, so that an element is the same in whatever block it
    is read. Tensors that the adapter holds in full are reached from the base by `weight` too.

    Attributes:
        path: Folder of the base; tokenizer and config are the base's.
        config: Of the base.
        names: Of the base's tensors.
    """

    def __init__(self, base: Model, adapter: Adapter, weight: float = 1.0) -> None:
        """Checks that every module of the adapter is in the base, and keeps its factors.

        Raises:
            ModelError: Modules that the base lacks or has in another shape; or values of the
                adapter are not finite.
        """
        self.base, self.adapter, self.weight = base, adapter, weight
        self.path, self.config, self.names = base.path, base.config, tuple(base.names)
        problems = list(_problems(base, adapter))
        if problems:
            raise ModelError(
                f"{adapter.label} does not fit {base.label}: {'; '.join(problems)}; "
                "give the base that it was trained on"
            )
        self._factors = {f"{m}.weight": _oriented(adapter, m) for m in adapter.modules}

    @property
    def label(self) -> str:
        """How messages call it: both folders."""
        return f"{self.base.label} with {self.adapter.label}"

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return self.base.shape(name)

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor, without reading it."""
        return self.base.dtype(name)

    def tensor(self, name: str) -> Tensor:
        """A whole tensor, in the stored type of the base."""
        shape = self.shape(name)
        return self.read(name, 0, torch.Size(shape).numel()).reshape(shape)

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        """The rows [start, stop) of a tensor, in the stored type of the base."""
        first, *rest = self.shape(name)
        columns = torch.Size(rest).numel()
        part = self.read(name, start * columns, min(stop, first) * columns)
        return part.reshape(-1, *rest)

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat, in the stored type of the base."""
        stored = self.base.read(name, start, stop)
        full, factors = name in self.adapter.saved, self._factors.get(name)
        if not full and factors is None:
            return stored
        values = stored.float()
        if full:
            ours = self.adapter.read_saved(name, start, stop).float()
            values = values + (ours - values) * self.weight if self.weight != 1 else ours
        if factors is not None and stop > start:
            values = values + self._update(factors, start, stop)
        return values.to(stored.dtype)

    def _update(self, factors: Factors, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of the update, flat."""
        columns = factors.a.shape[1]
        first, last = start // columns, -(-stop // columns)
        rows = torch.zeros(last - first, columns)
        # Not a matrix product, which would round by the number of rows that are asked for.
        for row, column in zip(factors.a, factors.b.T, strict=True):
            rows += column[first:last, None] * row
        scale = self.weight * factors.scale
        return rows.reshape(-1)[start - first * columns : stop - first * columns] * scale


def _oriented(adapter: Adapter, module: str) -> Factors:
    """The factors of the weight as the base stores it."""
    factors = adapter.factors(module)
    assert factors is not None  # noqa: S101  Modules that an adapter names have factors.
    if _transposed(adapter, module):
        return Factors(factors.b.T.contiguous(), factors.a.T.contiguous(), factors.scale)
    return factors


def _transposed(adapter: Adapter, module: str) -> bool:
    """Embeddings, and linear layers that store (in, out), hold the transpose of the update."""
    return adapter.layout(module).embedding or adapter.config.fan_in_fan_out


def _problems(base: Model, adapter: Adapter) -> Iterator[str]:
    names = set(base.names)
    for module in adapter.modules:
        layout, name = adapter.layout(module), f"{module}.weight"
        shape = (layout.outputs, layout.inputs)
        yield from _misfit(
            base, names, name, shape[::-1] if _transposed(adapter, module) else shape
        )
    for name in adapter.saved:
        yield from _misfit(base, names, name, adapter.saved_shape(name))


def _misfit(base: Model, names: set[str], name: str, shape: tuple[int, ...]) -> Iterator[str]:
    if name not in names:
        yield f"the base has no {name}"
    elif base.shape(name) != shape:
        yield f"{name} has shape {list(base.shape(name))} in the base, not {list(shape)}"
