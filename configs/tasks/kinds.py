"""Sections of the kinds of tasks that need no other program: one a kind, named as in `kind`."""

import json
from typing import Annotated, Any, Literal

import regex as regular  # type: ignore[import-untyped]
from pydantic import Field, field_validator, model_validator

from speciate.configs.tasks.common import Generating, TaskBase


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
