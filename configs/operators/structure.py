"""Parameters of the operators that put a child together from transformer blocks."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import Parameters, Positive, Schedule, Weight
from speciate.configs.section import Section

Number = Annotated[int, Field(ge=0)]


class Passthrough(Parameters):
    """The model as it is, times `scale`."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    scale: Schedule[Weight] = Field(1.0, description="Factor of the weights.")


class PieceParent(Section):
    """A run of blocks of one parent."""

    parent: Number = Field(description="Number of the parent in the recipe, from 0.")
    layers: tuple[Number, Number] = Field(description="First and last block, both included.")
    role: str = Field("model", description="Part it plays in the piece's operator.")


class Piece(Section):
    """Blocks of the child, made by one operator from as many blocks of each of some parents."""

    operator: str = Field("passthrough", description="Name of the operator.")
    parents: tuple[PieceParent, ...] = Field(min_length=1, description="In the operator's order.")
    parameters: dict[str, Any] = Field({}, description="Of the operator.")


class Stack(Parameters):
    """Blocks of the parents, merged piece by piece and stacked in any order and number."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    pieces: tuple[Piece, ...] = Field(
        min_length=1,
        description="From the bottom up; the first also makes what comes before the blocks, "
        "and the last what comes after them.",
    )


class DataFlow(Parameters):
    """A path through the blocks of all models, with scales folded into the weights (DFS)."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    path: tuple[tuple[Number, Number], ...] = Field(
        min_length=1, description="Model and block of each step, both numbered from 0."
    )
    scales: tuple[Positive, ...] | None = Field(
        None, description="Factor of the hidden state on its way into each step; 1 if not given."
    )


class LayerDrop(Parameters):
    """The parent without some of its blocks."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    layers: tuple[Number, ...] = Field(min_length=1, description="Blocks to leave out, from 0.")


class LayerDuplicate(Parameters):
    """The parent with some of its blocks repeated."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    layers: tuple[Number, ...] = Field(min_length=1, description="Blocks to repeat, from 0.")
    identity: bool = Field(
        False, description="Let the copies write nothing, so that the function stays the same."
    )


PARAMETERS: dict[str, type[Parameters]] = {
    "passthrough": Passthrough,
    "stack": Stack,
    "data_flow": DataFlow,
    "layer_drop": LayerDrop,
    "layer_duplicate": LayerDuplicate,
}
