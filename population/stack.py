"""Children stacked from blocks: which tensors they have, from whom, and by which operator."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speciate.configs.operators.structure import Piece, PieceParent
from speciate.errors import ConfigError, ModelError
from speciate.population.aligned import AlignedModel
from speciate.population.frame import Frame
from speciate.population.genome import Source
from speciate.population.safetensors_writer import Spec
from speciate.population.structure import Structure, module_kind, renumbered

Names = Mapping[str, str]


@dataclass(frozen=True)
class Renamed:
    """A source whose tensors go by the names that they have in the child.

    Attributes:
        source: Where they come from.
        named: Name in the source of each name in the child.
    """

    source: Source
    named: Names

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.source.label

    @property
    def names(self) -> Sequence[str]:
        """Of the child's tensors that come from this source."""
        return sorted(self.named)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        return self.source.shape(self.named[name])

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor."""
        return self.source.dtype(self.named[name])

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat, as they are stored."""
        return self.source.read(self.named[name], start, stop)


@dataclass(frozen=True)
class Layer:
    """One block of the child: for each parent of its piece, the block that it is made from."""

    piece: int
    blocks: tuple[int, ...]


def _run(parent: PieceParent) -> range:
    return range(parent.layers[0], parent.layers[1] + 1)


class Blueprint:
    """The blocks of a child and what stands before and after them."""

    def __init__(self, pieces: Sequence[Piece], parents: Sequence[AlignedModel]) -> None:
        """Checks that the pieces ask for blocks that are there.

        Raises:
            ConfigError: A parent or a block is not there, or the runs of a piece differ in length.
        """
        self.pieces = pieces
        self._parents = parents
        self._structures = [Structure(parent.names) for parent in parents]
        for number, piece in enumerate(pieces):
            self._check(f"pieces.{number}", piece)
        self.layers = [
            Layer(number, blocks)
            for number, piece in enumerate(pieces)
            for blocks in zip(*map(_run, piece.parents), strict=True)
        ]

    def names(self, piece: int) -> list[dict[str, str]]:
        """For each parent of a piece, the name in the parent of each name in the child."""
        named: list[dict[str, str]] = [{} for _ in self.pieces[piece].parents]
        for position, layer in enumerate(self.layers):
            if layer.piece == piece:
                for n, block in enumerate(layer.blocks):
                    named[n] |= self._block(piece, n, block, position)
        for n, one in enumerate(self.pieces[piece].parents):
            structure = self._structures[one.parent]
            outside = [x for x in self._parents[one.parent].names if structure.block(x) is None]
            named[n] |= {x: x for x in outside if piece == self._home(x)}
        self._check_same(piece, named)
        return named

    def frame(self) -> Frame:
        """Tensors as the first parent of each piece stores them; config of the first of all."""
        specs = []
        for number, piece in enumerate(self.pieces):
            first = self._parents[piece.parents[0].parent]
            for new, old in self.names(number)[0].items():
                specs.append(Spec(new, first.dtype(old), first.shape(old)))
        lowest = self._parents[self.pieces[0].parents[0].parent]
        config = self._config(lowest.config, lambda model: model.config)
        return Frame(lowest.path, config, tuple(sorted(specs, key=lambda spec: spec.name)))

    def _config(
        self, config: Mapping[str, Any], of: Callable[[AlignedModel], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """With the number of blocks, and what is listed for each block, as in the child."""
        new = dict(config)
        before = config.get("num_hidden_layers")
        for key, value in config.items():
            if isinstance(value, dict) and "num_hidden_layers" in value:
                new[key] = self._config(value, lambda model, key=key: of(model)[key])  # type: ignore[misc]
            elif isinstance(value, list) and len(value) == before:
                new[key] = [
                    of(self._first(layer)[0])[key][self._first(layer)[1]] for layer in self.layers
                ]
        if before is not None:
            new["num_hidden_layers"] = len(self.layers)
        return new

    def _first(self, layer: Layer) -> tuple[AlignedModel, int]:
        return self._parents[self.pieces[layer.piece].parents[0].parent], layer.blocks[0]

    def _block(self, piece: int, parent: int, block: int, position: int) -> dict[str, str]:
        number = self.pieces[piece].parents[parent].parent
        structure = self._structures[number]
        names = self._parents[number].names
        return {renumbered(n, position): n for n in names if structure.block(n) == block}

    def _home(self, name: str) -> int:
        """The piece that makes a tensor outside of the blocks: the first, or the last."""
        return 0 if module_kind(name) == "embedding" else len(self.pieces) - 1

    def _check(self, where: str, piece: Piece) -> None:
        lengths = {one.layers[1] - one.layers[0] for one in piece.parents}
        if len(lengths) > 1 or min(lengths) < 0:
            raise ConfigError(f"{where}: give each parent as many blocks, the first one first")
        for one in piece.parents:
            self._check_blocks(where, one)

    def _check_blocks(self, where: str, one: PieceParent) -> None:
        if one.parent >= len(self._parents):
            raise ConfigError(f"{where}: no parent {one.parent}; there are {len(self._parents)}")
        structure = self._structures[one.parent]
        if one.layers[1] >= structure.layers:
            raise ConfigError(
                f"{where}: parent {one.parent} has {structure.layers} blocks, "
                f"so none of number {one.layers[1]}"
            )

    def _check_same(self, piece: int, named: Sequence[Names]) -> None:
        """Parents of a piece must have the same tensors there."""
        problems = list(self._differences(piece, named))
        if problems:
            more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
            raise ModelError(f"pieces.{piece}: {', '.join(problems[:3])}{more}")

    def _differences(self, piece: int, named: Sequence[Names]) -> Iterator[str]:
        parents = [self._parents[one.parent] for one in self.pieces[piece].parents]
        first = parents[0]
        for parent, names in zip(parents[1:], named[1:], strict=True):
            for new in sorted(names.keys() ^ named[0].keys()):
                yield f"only one of {first.label} and {parent.label} has {new}"
            for new in sorted(names.keys() & named[0].keys()):
                ours, theirs = first.shape(named[0][new]), parent.shape(names[new])
                if ours != theirs:
                    yield f"{new} of {parent.label} has shape {list(theirs)}, not {list(ours)}"
