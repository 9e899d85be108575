"""Bounds of numbers that many sections share."""

from typing import Annotated

from pydantic import Field

# Strict, so that text and true are no numbers; whole numbers are.
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
