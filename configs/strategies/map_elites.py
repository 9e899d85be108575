"""Section of MAP-Elites."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from speciate.configs.strategies.common import WindowedBreeding, all_different
from speciate.configs.tasks import Name


class MapElites(WindowedBreeding):
    """MAP-Elites: the fittest of every niche lives; niches are ranges of scores on tasks."""

    type: Literal["map_elites"]
    paper: ClassVar[str] = "arXiv 1504.04909"

    population: Annotated[int, Field(ge=2)] = Field(
        10, description="Merges of the founding; as many live as there are niches found."
    )
    crossover_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, description="Probability that two elites are crossed, and not one mutated."
    )
    behaviours: tuple[Name, ...] = Field(
        description="Tasks whose scores make the niches; one to three.", min_length=1
    )
    bins: Annotated[int, Field(ge=2)] = Field(
        10,
        description="Parts of each task's range of scores: the founders', and half as much again "
        "beyond either end.",
    )

    _named_once = field_validator("behaviours")(all_different)
