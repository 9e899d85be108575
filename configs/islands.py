"""Islands: campaigns at different sites that exchange individuals through a git repository."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from speciate.configs.section import Section
from speciate.configs.tasks import Name

Few = Annotated[int, Field(ge=1, le=1000)]


class Islands(Section):
    """This campaign as one of several, each with an archive of its own."""

    remote: str | None = Field(
        None, description="Git repository that all islands reach; not archived, as paths are not."
    )
    name: Name = Field(description="Of this island; its random numbers depend on it.")
    among: tuple[Name, ...] = Field(
        description="All islands in the order of the ring; the first is the hub of a star.",
        min_length=2,
    )
    topology: Literal["ring", "star", "all", "random"] = Field(
        "ring",
        description="From whom an island takes: the one before it; the hub, and the hub from all; "
        "all others; or another one each time.",
    )
    every: Annotated[int, Field(ge=1)] = Field(5, description="Steps from migration to migration.")
    emigrants: Few = Field(1, description="Members that are sent each time.")
    immigrants: Few = Field(1, description="Most that are taken in each time.")
    choose: Literal["best", "random", "diverse"] = Field(
        "best",
        description="Which members are sent: the best, some, or the best and those whose scores "
        "are least like the others'.",
    )
    code: bool = Field(
        False, description="Take migrants that come with source code of operators, in the sandbox."
    )
    ancestors: Annotated[int, Field(ge=1)] = Field(
        1000, description="Most ancestors of a migrant that are unknown here, and rebuilt."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> "Islands":
        if self.name not in self.among:
            raise ValueError(f"'among' lists all islands, and so '{self.name}' itself")
        if len(set(self.among)) < len(self.among):
            raise ValueError("'among' lists an island twice")
        return self
