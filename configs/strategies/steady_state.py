"""Section of the asynchronous steady-state strategy."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.section import Section
from speciate.configs.strategies.common import Breeding, all_different
from speciate.configs.tasks import Name


class Race(Section):
    """Children are dropped as soon as they can no longer reach the worst member."""

    error: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Probability that a child as good as the worst member is dropped."
    )
    chunk: Annotated[int, Field(ge=1)] = Field(
        32, description="Items asked before the first look; then twice as many each time."
    )


class SteadyState(Breeding):
    """One child after the other enters the population; many are scored at once, without rounds."""

    type: Literal["steady_state"]
    evaluations: Annotated[int, Field(ge=1)] = Field(
        200, description="Children in all, those of the founding included."
    )
    lag: Annotated[int, Field(ge=1)] = Field(
        16, description="Children under way at once; at least as many as engines that run."
    )
    batch: Annotated[int, Field(ge=1)] = Field(
        1, description="Results that a step takes in; fewer and larger steps archive faster."
    )
    replace: Literal["worst", "oldest"] = Field(
        "worst",
        description="Who leaves a full population: the worst, so that a child enters only if it "
        "is better, or the oldest, which forgets lucky scores.",
    )
    objectives: tuple[Name, ...] = Field(
        (), description="Tasks to rank by Pareto fronts of; by fitness if none are named."
    )
    race: Race | None = Field(
        None, description="Scores poor children on few items; all on all items if not given."
    )

    _named_once = field_validator("objectives")(all_different)

    @model_validator(mode="after")
    def _race_has_a_bar(self) -> "SteadyState":
        if self.race and self.replace == "oldest":
            raise ValueError('a race needs a worst member to reach; set replace = "worst"')
        if self.race and self.objectives:
            raise ValueError("fronts have no worst member to reach; leave out race, or objectives")
        return self

    @model_validator(mode="after")
    def _batch_fits(self) -> "SteadyState":
        if self.batch > self.lag:
            raise ValueError(
                f"a batch of {self.batch} results never comes with lag = {self.lag} children "
                f"under way; set lag to {self.batch} or more"
            )
        return self
