"""Sections against overfitting: when a search ends early, and what its champion is chosen by."""

from typing import Annotated

from pydantic import Field

from speciate.configs.bounds import NonNegative
from speciate.configs.section import Section


class EarlyStopping(Section):
    """The search ends when nobody better has come for long, whatever its strategy has left."""

    patience: Annotated[int, Field(ge=1)] = Field(
        40, description="Children in a row, failed ones among them, without a new best."
    )
    min_delta: NonNegative = Field(
        0.0, description="By more than this in fitness a new best must be better than the last."
    )


class Validation(Section):
    """Search items that selection does not see: at the end they choose among the fittest."""

    share: Annotated[float, Field(gt=0, lt=1, strict=True)] = Field(
        0.25, description="Of each task's search items, drawn by the campaign's seed."
    )
    finalists: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="How many of the fittest are scored on them; the best there is champion."
    )
