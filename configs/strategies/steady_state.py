"""Section of the asynchronous steady-state strategy."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.section import Section
from speciate.configs.strategies.common import Breeding, WindowedBreeding, all_different
from speciate.configs.tasks import Name

Share = Annotated[float, Field(gt=0, lt=1)]


class Race(Section):
    """Children are dropped as soon as they can no longer reach the worst member."""

    error: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Probability that a child as good as the worst member is dropped."
    )
    chunk: Annotated[int, Field(ge=1)] = Field(
        32, description="Items asked before the first look; then twice as many each time."
    )


class Estimate(Section):
    """Children whose fitness, estimated from a few items, is below the worst member are dropped."""

    anchors: Annotated[tuple[Share, ...], Field(min_length=1)] = Field(
        (0.05, 0.1, 0.2, 0.5),
        description="Shares of the items of each task after which a child's fitness is estimated.",
    )
    choice: Literal["random", "cluster"] = Field(
        "random", description="Which items: any, or one a cluster of items with like parameters."
    )
    estimator: Literal["weighted", "p_irt", "gp_irt", "mp_irt", "gmp_irt"] = Field(
        "gmp_irt", description="How the other items are foretold; see docs/fewer-items.md."
    )
    dimensions: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="Of ability, in item response theory."
    )
    models: Annotated[int, Field(ge=5)] = Field(
        30, description="Individuals scored in full before anybody is estimated, founders included."
    )
    refit: Annotated[int, Field(ge=1)] = Field(
        20, description="Steps after which items are fitted and chosen again."
    )
    full: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Share of children that are scored in full whatever their estimate."
    )
    error: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05,
        description="Probability, at each estimate, that a child as good as the worst member is "
        "dropped.",
    )

    @field_validator("anchors")
    @classmethod
    def _grow(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if list(shares) != sorted(set(shares)):
            raise ValueError("each share must be larger than the one before")
        return shares

    @model_validator(mode="after")
    def _models_suffice(self) -> "Estimate":
        # A fit leaves out a fifth of them, and must tell dimensions apart.
        if 4 * self.models < 5 * (self.dimensions + 1):
            least = -(-5 * (self.dimensions + 1) // 4)
            raise ValueError(
                f"{self.models} models cannot tell {self.dimensions} dimensions of ability apart; "
                f"set models to {least} or more, or use fewer dimensions"
            )
        return self


class SteadyState(WindowedBreeding, Breeding):
    """One child after the other enters the population; many are scored at once, without rounds."""

    type: Literal["steady_state"]
    paper: ClassVar[str] = "Real et al., 2019, arXiv 1802.01548"
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
    estimate: Estimate | None = Field(
        None, description="Scores poor children on fewer items yet, once many models are known."
    )

    _named_once = field_validator("objectives")(all_different)

    @model_validator(mode="after")
    def _there_is_a_bar(self) -> "SteadyState":
        for name in ("race", "estimate"):
            if getattr(self, name) and self.replace == "oldest":
                raise ValueError(f'{name} needs a worst member to reach; set replace = "worst"')
            if getattr(self, name) and self.objectives:
                raise ValueError(
                    f"fronts have no worst member to reach; leave out {name}, or objectives"
                )
        return self
