"""Statistics of what flows into linear layers: Gram matrices, means, second moments."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from speciate.errors import EvaluationError
from speciate.evaluator.measure.model import hooks

Emit = Callable[[str, Tensor], None]
# Sums over rows of X, (tokens, in): what is added up, and its shape for so many inputs.
_SUMS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gram": lambda x: x.T @ x,
    "mean": lambda x: x.sum(0),
    "mean_absolute": lambda x: x.abs().sum(0),
    "second_moment": lambda x: x.square().sum(0),
}


def shape(kind: str, layer: nn.Linear) -> tuple[int, ...]:
    """Of the statistic of this kind."""
    return (layer.in_features,) * (2 if kind == "gram" else 1)


class InputSums:
    """Adds up statistics of the inputs of some linear layers while a model runs.

    Products are float32 within a text and float64 over texts. Layers with the same input, such as
    the query, key and value projections, have it multiplied once.
    """

    def __init__(self, layers: Mapping[str, nn.Linear], kinds: Sequence[str]) -> None:
        """Takes the layers by the name of their weight, and kinds of statistics."""
        self._layers = layers
        self._kinds = kinds
        self._sums: dict[str, list[Tensor]] = {}
        self._rows = dict.fromkeys(layers, 0)
        self._last: tuple[Tensor, list[Tensor]] | None = None

    def watch(self, run: Callable[[], object]) -> None:
        """Runs the model with hooks on the layers."""
        with hooks() as handles:
            for name, layer in self._layers.items():
                handles.append(layer.register_forward_pre_hook(self._hook(name)))
            run()
        self._last = None

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: self._add(name, inputs[0])

    def _add(self, name: str, inputs: Tensor) -> None:
        if self._last is None or self._last[0] is not inputs:
            rows = inputs.detach().reshape(-1, inputs.shape[-1])
            self._last = inputs, [_SUMS[kind](rows).double() for kind in self._kinds]
        found = self._last[1]
        if name in self._sums:
            for whole, part in zip(self._sums[name], found, strict=True):
                whole += part
        else:
            self._sums[name] = [part.clone() for part in found]
        self._rows[name] += inputs.numel() // inputs.shape[-1]

    def means(self) -> Iterator[tuple[str, str, Tensor]]:
        """Weight, kind and float32 mean over tokens; 0 for layers that no token reached.

        Raises:
            EvaluationError: A mean is not finite.
        """
        for name, layer in self._layers.items():
            sums = self._sums.get(name) or [torch.zeros(shape(kind, layer)) for kind in self._kinds]
            for kind, whole in zip(self._kinds, sums, strict=True):
                mean = (whole / max(self._rows[name], 1)).float()
                if not bool(mean.isfinite().all()):
                    raise EvaluationError(f"{name}: its inputs are not finite; check the model")
                yield name, kind, mean


def batches(layers: Mapping[str, nn.Linear], kinds: Sequence[str], limit: float) -> list[list[str]]:
    """Names of layers, in runs whose float64 sums stay below `limit` bytes, or single ones."""
    runs: list[list[str]] = [[]]
    filled = 0.0
    for name, layer in layers.items():
        size = sum(8 * torch.Size(shape(kind, layer)).numel() for kind in kinds)
        if runs[-1] and filled + size > limit:
            runs.append([])
            filled = 0.0
        runs[-1].append(name)
        filled += size
    return [run for run in runs if run]
