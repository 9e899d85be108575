"""Section of novelty search."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.strategies.common import Breeding, Rate, WindowedBreeding


class Novelty(WindowedBreeding, Breeding):
    """Novelty search: who answers items unlike all others lives, whatever it is worth."""

    type: Literal["novelty"]
    paper: ClassVar[str] = "Lehman and Stanley, Evolutionary Computation 19(2), 2011"

    population: Annotated[int, Field(ge=2)] = Field(20, description="N, living individuals.")
    crossover_rate: Rate = Field(0.5, description="Probability that two parents are crossed.")
    neighbours: Annotated[int, Field(ge=1)] = Field(
        5, description="k nearest, whose mean distance is the novelty."
    )
    elite: Annotated[int, Field(ge=0)] = Field(
        1, description="Fittest members that stay however common they are."
    )
