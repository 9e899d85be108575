"""What sections of tasks share."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from speciate.configs.bounds import NonNegative
from speciate.configs.section import Section

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class TaskBase(Section):
    """What all kinds of tasks have; paths are relative to the campaign file."""

    name: Name = Field(description="Of the task, in tables and in the archive.")
    search: str | None = Field(None, description="JSONL that selection sees; needed if weight > 0.")
    test: str | None = Field(None, description="JSONL scored only at the end.")
    weight: NonNegative = Field(1.0, description="Share of the fitness.")
    chat: bool = Field(False, description="Render prompts by the tokenizer's chat template.")

    @model_validator(mode="after")
    def _has_splits(self) -> "TaskBase":
        if self.weight > 0 and self.search is None:
            raise ValueError(f"task '{self.name}' has weight {self.weight:g} but no 'search' file")
        if self.search is None and self.test is None:
            raise ValueError(f"task '{self.name}' has neither a 'search' nor a 'test' file")
        return self


class Generating(TaskBase):
    """What kinds share whose models write answers."""

    max_tokens: Annotated[int, Field(ge=1, le=65536)] = Field(32, description="Answer's limit.")
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="The answer ends before the first of these."
    )
    temperature: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="Of sampling, at least 0.01; 0 takes the likeliest token."
    )
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Probability of the set of likeliest tokens that is sampled from."
    )
    repeats: Annotated[int, Field(ge=1, le=1024)] = Field(
        1, description="Answers an item, whose mean is its score."
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="Key of the sampling.")

    @field_validator("temperature")
    @classmethod
    def _can_be_divided_by(cls, temperature: float) -> float:
        # Logits divided by less overflow, and vLLM would take 0.01 instead.
        if 0 < temperature < 0.01:
            raise ValueError(f"{temperature:g} is too low to sample at; set 0, or at least 0.01")
        return temperature

    @model_validator(mode="after")
    def _repeats_differ(self) -> "Generating":
        if self.repeats > 1 and self.temperature == 0:
            raise ValueError(
                f"task '{self.name}' repeats {self.repeats} times at temperature 0, where all "
                "answers are equal; set temperature > 0, or repeats = 1"
            )
        return self
