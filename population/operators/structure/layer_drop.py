"""Mutation by leaving blocks out, as in layer pruning and data-flow search."""

from collections.abc import Sequence

from speciate.configs.operators.structure import LayerDrop, Piece, PieceParent
from speciate.errors import ConfigError
from speciate.population.operators.operator import ONE, Model, Structural
from speciate.population.structure import Structure


def pieces(parameters: LayerDrop, models: Sequence[Model]) -> Sequence[Piece]:
    """The blocks that stay, one by one.

    Raises:
        ConfigError: A block is not there, or none is left.
    """
    count = Structure(models[0].names).layers
    missing = [layer for layer in parameters.layers if layer >= count]
    if missing:
        raise ConfigError(f"layers: no block {missing[0]}; the model has {count}")
    left = [layer for layer in range(count) if layer not in parameters.layers]
    if not left:
        raise ConfigError("layers: no block is left; leave out fewer")
    return [Piece(parents=(PieceParent(parent=0, layers=(layer, layer)),)) for layer in left]


OPERATOR = Structural("layer_drop", "structure", {"parent": ONE}, LayerDrop, pieces)
