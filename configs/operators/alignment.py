"""Parameters of the operators that align models before they are averaged."""

from typing import ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import Parameters, Schedule, Weight


class Rebasin(Parameters):
    """Reorder the second model's hidden units and heads to match the first's, then interpolate."""

    models: ClassVar[Literal["any", "two", "none"]] = "two"
    share: ClassVar[Literal["weights", "t"] | None] = "t"
    t: Schedule[Weight] = Field(
        0.5, description="Place on the way from the first to the aligned second model."
    )
    mlp: bool = Field(True, description="Reorder the hidden units of feed-forward networks.")
    attention: bool = Field(True, description="Reorder heads, within and with their key groups.")


PARAMETERS: dict[str, type[Parameters]] = {"rebasin": Rebasin}
