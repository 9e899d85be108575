"""Parameters of the operator whose function is part of the recipe."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import Parameters, Weight

LONGEST = 20_000
"""Bytes of a source."""


class Evolved(Parameters):
    """Run a function that somebody or some model wrote, in a sandbox, on each matrix."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    source: Annotated[str, Field(max_length=LONGEST)] = Field(
        description="Python text that defines merge(models, base, parameters, random)."
    )
    values: dict[str, Weight] = Field(
        {}, description="Of the parameters that the source declares; its defaults if not given."
    )


PARAMETERS: dict[str, type[Parameters]] = {"evolved": Evolved}
