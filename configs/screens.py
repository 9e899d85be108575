"""Section of the screens that offspring must pass before they are scored."""

from typing import Annotated

from pydantic import Field

from speciate.configs.section import Section


class Screens(Section):
    """A look at a few items of each search split: broken offspring fail here, at little cost.

    Log-probabilities must be finite in any case; all else is looked at only where a bound is given.
    """

    items: Annotated[int, Field(ge=1)] = Field(
        4, description="Of each search split; the first ones of the file."
    )
    bits_per_token: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Most bits that a token of their texts may take, on average."
    )
    repetition: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Largest share of n-grams that greedy continuations may repeat."
    )
    ngram: Annotated[int, Field(ge=1)] = Field(4, description="Tokens of such an n-gram.")
    max_tokens: Annotated[int, Field(ge=2, le=65536)] = Field(
        64, description="Length of such a continuation."
    )
