"""Section of CMA-ES in parameter space, and what all that search by it have."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.strategies.common import Range, Search, check_weighted

Size = Annotated[int, Field(ge=4)]


class Sampling(Search):
    """Generations of points, from a normal distribution that learns."""

    open_to_agents: ClassVar[bool] = False

    evaluations: Annotated[int, Field(ge=1)] = Field(200, description="Children in all.")
    size: Size | None = Field(
        None, description="Children a generation; 4 + 3 log(numbers searched) if not given."
    )
    sigma: Annotated[float, Field(gt=0, le=1)] = Field(
        1 / 6, description="First standard deviation, as a part of each number's range."
    )


class CmaEs(Sampling):
    """CMA-ES over how much of each founder there is at each depth, and over parameters."""

    type: Literal["cma_es"]
    paper: ClassVar[str] = "arXiv 2403.13187; Hansen, arXiv 1604.00772"

    groups: Annotated[int, Field(ge=1)] = Field(
        3,
        description="Numbers over depth, each founder's, and each varying parameter's; blocks "
        "between take values between. Adapters have one.",
    )
    weights: Range = Field((0.0, 1.0), description="Range of the founders' weights.")

    @field_validator("weights")
    @classmethod
    def _in_order(cls, weights: Range) -> Range:
        if not weights[0] < weights[1]:
            raise ValueError(f"[{weights[0]:g}, {weights[1]:g}] is not [low, high]")
        return weights

    @model_validator(mode="after")
    def _weighted(self) -> "CmaEs":
        check_weighted(self.crossover)
        return self
