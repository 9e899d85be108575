"""Section of sampling by rank."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import NonNegative
from speciate.configs.strategies.common import Rate, WindowedBreeding


class PowerLaw(WindowedBreeding):
    """Parents are drawn by rank, the first most often: p is proportional to rank^-alpha."""

    type: Literal["power_law"]
    paper: ClassVar[str] = "arXiv 2509.19349"

    population: Annotated[int, Field(ge=2)] = Field(
        40, description="Archive, the best of all that were born."
    )
    crossover_rate: Rate = Field(0.5, description="Probability that two parents are crossed.")
    alpha: NonNegative = Field(1.0, description="0 draws all alike.")
