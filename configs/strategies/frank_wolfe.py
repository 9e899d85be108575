"""Section of Frank-Wolfe merging."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from speciate.configs.strategies.common import Search, check_weighted


class FrankWolfe(Search):
    """From the best founder on, by ever shorter steps, towards whichever founder helps most."""

    type: Literal["frank_wolfe"]
    paper: ClassVar[str] = "arXiv 2503.12649"
    open_to_agents: ClassVar[bool] = False

    rounds: Annotated[int, Field(ge=1)] = Field(
        20, description="Of a step towards each founder; round t = 0, 1, ... has steps of 2/(t+4)."
    )

    @model_validator(mode="after")
    def _weighted(self) -> "FrankWolfe":
        check_weighted(self.crossover)
        return self
