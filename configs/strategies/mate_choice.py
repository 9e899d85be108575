"""Section of mate choice."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import NonNegative
from speciate.configs.strategies.common import Breeding, Rate, WindowedBreeding


class MateChoice(WindowedBreeding, Breeding):
    """Everybody has a taste in mates, by their scores on tasks, which children inherit."""

    type: Literal["mate_choice"]
    paper: ClassVar[str] = "arXiv 2303.17441"

    population: Annotated[int, Field(ge=2)] = Field(20, description="N, living individuals.")
    crossover_rate: Rate = Field(0.9, description="Probability that two parents are crossed.")
    suitors: Annotated[int, Field(ge=1)] = Field(
        4, description="Drawn at random, of whom the first parent takes whom it likes most."
    )
    drift: NonNegative = Field(
        0.2, description="Standard deviation of an inherited taste around that of the parents."
    )
