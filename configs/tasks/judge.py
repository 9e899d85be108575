"""The section of tasks that a language model judges."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from speciate.configs.chat import Asking
from speciate.configs.tasks.common import Generating


class Judge(Generating, Asking):
    """A language model grades answers by a rubric, or compares them with reference answers."""

    kind: Literal["judge"]
    mode: Literal["rubric", "pairwise"] = Field(
        description="Grades from 1 to `levels`, or a choice between answer and reference."
    )
    rubric: str | None = Field(
        None, description="What makes a good answer; an item may bring its own."
    )
    levels: Annotated[int, Field(ge=2, le=100)] = Field(5, description="The best grade.")
    tries: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="Replies of the judge until one is a verdict."
    )

    @model_validator(mode="after")
    def _is_steady(self) -> "Judge":
        if self.endpoint.temperature > 0:
            raise ValueError(
                f"task '{self.name}': a judge that draws its verdicts gives others each time; "
                "set endpoint.temperature = 0"
            )
        return self
