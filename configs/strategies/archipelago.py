"""Section of islands within one campaign."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from speciate.configs.strategies.common import Breeding, WindowedBreeding


class Archipelago(WindowedBreeding, Breeding):
    """Islands that breed apart; now and then their best go to the next, and stale ones restart."""

    type: Literal["archipelago"]
    paper: ClassVar[str] = "Tanese, 1989; arXiv 2509.19349"

    islands: Annotated[int, Field(ge=2)] = Field(4, description="How many; each has N members.")
    interval: Annotated[int, Field(ge=1)] = Field(
        40, description="Results, of all islands together, between two migrations."
    )
    migrants: Annotated[int, Field(ge=0)] = Field(
        1, description="Of each island, the best, whose copies go to the next."
    )
    patience: Annotated[int, Field(ge=0)] = Field(
        25,
        description="Children of an island without a new best of its own, after which it begins "
        "again with the founders and a member of another; 0 for never. The best island stays.",
    )

    @model_validator(mode="after")
    def _some_stay(self) -> "Archipelago":
        if self.migrants > self.population:
            raise ValueError(f"only {self.population} live on an island; send fewer migrants")
        return self
