"""Section of Darwin-style sampling of an archive."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import Positive
from speciate.configs.strategies.common import Rate, WindowedBreeding


class Darwin(WindowedBreeding):
    """Who is good, and has few children yet, breeds: as the Darwin Goedel Machine does."""

    type: Literal["darwin"]
    paper: ClassVar[str] = "arXiv 2505.22954; arXiv 2509.19349"

    population: Annotated[int, Field(ge=2)] = Field(
        40, description="Archive, the best of all that were born."
    )
    crossover_rate: Rate = Field(0.5, description="Probability that two parents are crossed.")
    sharpness: Positive = Field(10.0, description="lambda, of the sigmoid of the fitness.")
    centre: Literal["median", "half"] = Field(
        "median",
        description="Of the sigmoid: the archive's median, in units of its median absolute "
        "deviation, or a fitness of 0.5, in fitness; merges of one family lie close together.",
    )
