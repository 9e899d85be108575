"""Section of NSGA-II."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from speciate.configs.strategies.common import Breeding, all_different
from speciate.configs.tasks import Name


class Nsga2(Breeding):
    """NSGA-II: several tasks at once, by Pareto fronts and the distance between neighbours."""

    type: Literal["nsga2"]
    paper: ClassVar[str] = "Deb et al., IEEE Transactions on Evolutionary Computation 6(2), 2002"
    generations: Annotated[int, Field(ge=1)] = Field(20, description="Rounds of N children.")
    objectives: tuple[Name, ...] = Field(
        description="Tasks, each an objective; two or three sort best.", min_length=2
    )
    tournament: Annotated[int, Field(ge=1)] = Field(2, description="Size of a tournament.")

    _named_once = field_validator("objectives")(all_different)
