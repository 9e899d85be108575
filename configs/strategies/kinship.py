"""Section of top-k greedy merging with model kinship."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.strategies.common import Breeding, Rate


class Kinship(Breeding):
    """The N best are merged with each other, and some with whoever is least akin to them."""

    type: Literal["kinship"]
    paper: ClassVar[str] = "Hu et al., Exploring Model Kinship for Merging LLMs, 2024"

    generations: Annotated[int, Field(ge=1)] = Field(
        20, description="Rounds of N children at the most."
    )
    crossover_rate: Rate = Field(
        1.0, description="Probability that a pair is crossed; else the first of it is mutated."
    )
    explore: Rate = Field(0.25, description="Share of children that have a mate of little kinship.")
    tournament: Annotated[int, Field(ge=1)] = Field(
        5, description="Size of the tournament for such a mate; N or more is always the fittest."
    )
    measure: Literal["pearson", "cosine"] = Field(
        "pearson", description="Kinship: correlation or cosine of the task vectors."
    )
    stop_above: Annotated[float, Field(gt=-1, le=1)] = Field(
        0.9, description="Ends when the mean kinship of the living is above; never if 1."
    )
    patience: Annotated[int, Field(ge=1)] = Field(
        1, description="Ends after so many rounds of which no child lives."
    )
