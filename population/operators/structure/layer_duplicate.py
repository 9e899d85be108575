"""Mutation by repeating blocks; as an identity, room to grow that changes nothing at first."""

from collections.abc import Sequence

from speciate.configs.operators.structure import LayerDuplicate, Piece, PieceParent
from speciate.errors import ConfigError
from speciate.population.operators.operator import ONE, Model, Structural
from speciate.population.operators.structure.residual import written_times
from speciate.population.structure import Structure


def pieces(parameters: LayerDuplicate, models: Sequence[Model]) -> Sequence[Piece]:
    """All blocks, and after each that is repeated its copy.

    Raises:
        ConfigError: A block is not there.
        ModelError: Copies are to write nothing, and it cannot be told what they write.
    """
    count = Structure(models[0].names).layers
    missing = [layer for layer in parameters.layers if layer >= count]
    if missing:
        raise ConfigError(f"layers: no block {missing[0]}; the model has {count}")
    silent = written_times(0.0, models[0]) if parameters.identity else {}
    result = []
    for layer in range(count):
        block = (PieceParent(parent=0, layers=(layer, layer)),)
        result.append(Piece(parents=block))
        result += [Piece(parents=block, parameters=silent)] * parameters.layers.count(layer)
    return result


OPERATOR = Structural("layer_duplicate", "structure", {"parent": ONE}, LayerDuplicate, pieces)
