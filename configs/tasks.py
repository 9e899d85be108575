"""Sections of a campaign's tasks: one a kind, named as in `kind`."""

import json
from typing import Annotated, Any, Literal

import regex as regular  # type: ignore[import-untyped]
from pydantic import Field, field_validator, model_validator

from speciate.configs.operators.common import NonNegative
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


class Likelihood(TaskBase):
    """Bits per character of each item's text."""

    kind: Literal["likelihood"]


class Perplexity(TaskBase):
    """Bits per word, byte or token of whole documents, taken over all of them."""

    kind: Literal["perplexity"]
    unit: Literal["word", "byte", "token"] = Field("word", description="What is counted.")
    window: Annotated[int, Field(ge=2)] = Field(
        1024, description="Tokens scored at once; longer documents are scored in windows."
    )

    @field_validator("chat")
    @classmethod
    def _reads_documents(cls, chat: bool) -> bool:
        if chat:
            raise ValueError('documents are no chats; leave chat out, or use kind = "likelihood"')
        return chat


class MultipleChoice(TaskBase):
    """The choice of the highest log-likelihood is right or wrong."""

    kind: Literal["multiple_choice"]
    normalize: Literal["none", "characters", "tokens"] = Field(
        "none", description="Length that a choice's log-likelihood is divided by."
    )


class ExactMatch(Generating):
    """The answer, or what is found in it, equals the expected one, or one of them."""

    kind: Literal["exact_match"]
    strip: bool = Field(True, description="Ignore white space around answers.")
    ignore_case: bool = Field(False, description="Compare in lower case.")
    ignore_punctuation: bool = Field(False, description="Compare without ASCII punctuation.")
    extract: Literal["none", "regex", "number"] = Field(
        "none", description="What of the text is the answer: all, a match, or the last number."
    )
    regex: str | None = Field(
        None, description="Expression for extract = regex; its group, or else all of it, counts."
    )
    match: Literal["first", "last"] = Field("first", description="Which match of `regex` counts.")

    @field_validator("regex")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            groups = regular.compile(pattern or "").groups
        except (regular.error, RecursionError) as exc:
            raise ValueError(f"{pattern!r} is not a regular expression ({exc})") from exc
        if groups > 1:
            raise ValueError(f"{pattern!r} has {groups} groups; write all but one as (?:...)")
        return pattern

    @model_validator(mode="after")
    def _has_regex(self) -> "ExactMatch":
        if (self.extract == "regex") != (self.regex is not None):
            raise ValueError(
                f"task '{self.name}' needs both of extract = \"regex\" and regex, or neither"
            )
        return self


class Plugin(TaskBase):
    """A kind of another package."""

    kind: Literal["plugin"]
    entry_point: Annotated[str, Field(pattern=r"^[\w.-]+(:\w+)?$")] = Field(
        description='Name in the entry-point group "speciate.tasks", or "module:Class".'
    )
    higher_is_better: bool = Field(True, description="Direction of the metric, as of the class.")
    options: dict[str, Any] = Field({}, description="The plugin's own settings.")

    @field_validator("options")
    @classmethod
    def _is_json(cls, options: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(options, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"{exc}; give strings, finite numbers, booleans, lists, tables"
            ) from exc
        return options


Task = Annotated[
    Likelihood | Perplexity | MultipleChoice | ExactMatch | Plugin, Field(discriminator="kind")
]
