"""Stacks of blocks: what others call slices or, where all is passed through, frankenmerges."""

from collections.abc import Sequence

from speciate.configs.operators.structure import Piece, Stack
from speciate.population.operators.operator import SOME, Model, Structural


def pieces(parameters: Stack, _: Sequence[Model]) -> Sequence[Piece]:
    """Those that the recipe gives."""
    return parameters.pieces


OPERATOR = Structural("stack", "structure", {"model": SOME}, Stack, pieces)
