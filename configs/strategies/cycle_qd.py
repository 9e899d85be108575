"""Section of CycleQD."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from speciate.configs.operators.common import NonNegative
from speciate.configs.strategies.common import Windowed, all_different
from speciate.configs.tasks import Name


class CycleQd(Windowed):
    """CycleQD: an archive a task, of the best at it for each level of all the others."""

    type: Literal["cycle_qd"]
    paper: ClassVar[str] = "arXiv 2410.14735"
    needs_base: ClassVar[bool] = True

    qualities: tuple[Name, ...] = Field(
        description="Tasks that take turns at being the quality.", min_length=2
    )
    bins: Annotated[int, Field(ge=2)] = Field(
        15,
        description="Parts of each task's range of scores: the founders', and half as much again "
        "beyond either end.",
    )
    mutation_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.3, description="Probability that one parent is mutated, and not two crossed."
    )
    spread: NonNegative = Field(
        0.01,
        description="Standard deviation of the parents' weights around 1.",
    )
    rate: NonNegative = Field(
        0.1, description="Of the mutation: components grow by a random fraction from 0 to this."
    )
    gene_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="Fraction of a mutant adapter's elements that is moved."
    )
    sigma: NonNegative = Field(0.01, description="Of the noise of mutant adapters, in weights.")

    _named_once = field_validator("qualities")(all_different)
