"""Section of what people must see before it is bred."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from speciate.configs.bounds import Positive
from speciate.configs.section import Section


class Policy(Section):
    """Which of the recipes that agents propose wait for a person."""

    mode: Literal["auto", "review", "review-if"] = Field(
        "auto", description="None, all, or those for which one of the conditions below holds."
    )
    cost_s: Positive | None = Field(
        None, description="Breeding and scoring it are expected to take longer, in seconds."
    )
    protected: tuple[str, ...] = Field((), description="It is bred from one of these founders.")
    reach: Literal["parents", "ancestors"] = Field(
        "ancestors", description="How far back protected founders are looked for."
    )

    @model_validator(mode="after")
    def _has_conditions_where_they_count(self) -> "Policy":
        given = self._conditions()
        if self.mode == "review-if" and not given:
            raise ValueError("'review-if' needs a condition: give cost_s or protected")
        if self.mode != "review-if" and given:
            raise ValueError(f"{given[0]} counts only if mode is 'review-if'; set it, or leave out")
        return self

    def _conditions(self) -> list[str]:
        """Names of those that are given."""
        names = type(self).model_fields.keys() - {"mode", "reach"}
        return [name for name in sorted(names) if getattr(self, name) not in (None, ())]


class CodePolicy(Policy):
    """The same for recipes whose operator an agent wrote."""

    mode: Literal["auto", "review", "review-if"] = Field(
        "review", description="None, all, or those for which one of the conditions below holds."
    )
    similarity: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="No operator that was approved is as similar as this, of at most 1."
    )


class Review(Section):
    """What waits for people: `speciate review` lists it."""

    recipe: Policy = Field(Policy(), description="Recipes of operators that speciate brings along.")
    code: CodePolicy = Field(CodePolicy(), description="Recipes with an operator of their own.")
