"""Parameters of the changes of one individual, and of crossovers that choose where from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import (
    Fraction,
    NonNegative,
    Parameters,
    Positive,
    Schedule,
    Weight,
)

Count = Annotated[int, Field(ge=0)]


class Gaussian(Parameters):
    """Normal noise on a random part of the elements of one parent."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    sigma: NonNegative = Field(0.01, description="Standard deviation, in units of the weights.")
    density: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="Probability that an element is moved."
    )


class Succession(Parameters):
    """A particle-swarm step of one individual (GENOME+)."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    inertia: NonNegative = Field(description="r0 phi0, pull along the last move.")
    cognitive: NonNegative = Field(description="r1 phi1, pull to the personal best.")
    social: NonNegative = Field(description="r2 phi2, pull to the best ever seen.")
    repulsion: NonNegative = Field(description="r3 phi3, push from the worst ever seen.")
    step: Weight = Field(description="Lambda, length of the move in velocities.")
    inertia_step: Positive = Field(
        1.0, description="Lambda of the last move: divides it to give the last velocity."
    )


class SvdMutation(Parameters):
    """Random growth of one parent along the singular components of its task vector (CycleQD)."""

    needs_base: ClassVar[bool] = True
    models: ClassVar[Literal["any", "two", "none"]] = "none"
    rate: Schedule[NonNegative] = Field(
        0.1, description="Each component grows by a random fraction from 0 to this."
    )
    embeddings: bool = Field(False, description="Change embeddings and heads too.")


class Rescale(Parameters):
    """Multiply the task vector of one parent, or its weights, by a factor a place."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    factor: Schedule[Weight] = Field(
        description="Of the task vector if there is a base, else of the weights."
    )


class SplitPoint(Parameters):
    """Interpolate two models by t before a point of the parameter vector, by 1 - t after (M2N2)."""

    models: ClassVar[Literal["any", "two", "none"]] = "two"
    split: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Fraction of the elements, in the order of names, that lie before the point."
    )
    t: Fraction = Field(description="Place on the way from the first to the second model.")
    sigma: NonNegative = Field(
        0.0, description="Of normal noise that is added to the child; for search from scratch."
    )


class LayerChoice(Parameters):
    """Take each transformer block, whole, from one of the models."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    choice: tuple[Count, ...] = Field(
        min_length=1, description="Number of a model, from 0, for each block."
    )
    before: Count | None = Field(
        None, description="Model of the embeddings; that of the first block if not given."
    )
    after: Count | None = Field(
        None, description="Model of the last norm and head; that of the last block if not given."
    )


class LayerSwap(Parameters):
    """Outer blocks from a language expert, inner blocks from a task expert, averages between."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    bottom: Count = Field(5, description="First blocks that are the language expert's.")
    top: Count = Field(2, description="Last blocks that are the language expert's.")
    bottom_transition: Count = Field(1, description="Averaged blocks after the bottom ones.")
    top_transition: Count = Field(1, description="Averaged blocks before the top ones.")


PARAMETERS: dict[str, type[Parameters]] = {
    "gaussian": Gaussian,
    "succession": Succession,
    "svd_mutation": SvdMutation,
    "rescale": Rescale,
    "split_point": SplitPoint,
    "layer_choice": LayerChoice,
    "layer_swap": LayerSwap,
}
