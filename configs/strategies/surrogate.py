"""Section of quadratic surrogates."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.strategies.common import Search, all_different, check_weighted
from speciate.configs.tasks import Name


class Surrogate(Search):
    """MAP: quadratic models of the scores by the founders' weights; what they promise is tried."""

    type: Literal["surrogate"]
    paper: ClassVar[str] = "arXiv 2406.07529"
    open_to_agents: ClassVar[bool] = False

    evaluations: Annotated[int, Field(ge=1)] = Field(200, description="Children in all.")
    first: Annotated[int, Field(ge=2)] = Field(
        40, description="Random weights, before anything is fitted."
    )
    size: Annotated[int, Field(ge=1)] = Field(10, description="Children between two fits.")
    candidates: Annotated[int, Field(ge=10)] = Field(
        2000, description="Weights that each fit is asked about; half are near the best known."
    )
    objectives: tuple[Name, ...] = Field(
        (), description="Tasks whose Pareto front is sought; the fitness if none are named."
    )

    _named_once = field_validator("objectives")(all_different)

    @model_validator(mode="after")
    def _weighted(self) -> "Surrogate":
        check_weighted(self.crossover)
        return self
