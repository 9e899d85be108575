"""Sections about language models that are asked over HTTP: where, how, and for how much.

What is marked `exclude` decides neither what is asked nor what is answered. It is not archived and
part of no digest, so a campaign may go on with a server that has moved.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.bounds import NonNegative, Positive
from speciate.configs.section import Section

# Written by speciate itself.
_OURS = ("model", "messages", "response_format", "stream", "n")


class Prices(Section):
    """Of a million tokens, in any one currency."""

    input: NonNegative = Field(0.0, description="Of what is asked.")
    output: NonNegative = Field(0.0, description="Of what is answered.")


class Endpoint(Section):
    """A model behind an OpenAI-compatible server."""

    name: str | None = Field(None, description="In messages; the model's if not given.")
    base_url: str = Field(
        "http://localhost:8000/v1", description="Of the server, up to /v1.", exclude=True
    )
    model: Annotated[str, Field(min_length=1)] = Field(description="As the server calls it.")
    api_key_env: str | None = Field(
        None, description="Environment variable that holds the API key.", exclude=True
    )
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(0.0, description="Of sampling.")
    max_tokens: Annotated[int, Field(ge=1)] = Field(1024, description="A reply's limit.")
    omit: tuple[Literal["temperature", "max_tokens", "seed"], ...] = Field(
        (), description="What the server refuses to be told, left out of requests."
    )
    extra: dict[str, Any] = Field({}, description="Further keys of requests; archived.")
    timeout_s: Positive = Field(120.0, description="Longest wait for a reply.", exclude=True)
    retries: Annotated[int, Field(ge=0, le=100)] = Field(
        6, description="Of a request, where the server is busy, fails or is silent.", exclude=True
    )
    concurrency: Annotated[int, Field(ge=1, le=4096)] = Field(
        8, description="Requests under way at once.", exclude=True
    )
    prices: Prices = Field(Prices(), description="For budgets of cost.", exclude=True)

    @field_validator("base_url")
    @classmethod
    def _has_no_secret(cls, url: str) -> str:
        # Not quoted, for what may be in it.
        if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", url):
            raise ValueError(
                "write it as http://host:port/v1 or https://...; a key goes into the environment "
                "variable that api_key_env names"
            )
        return url

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        # Not quoted either: it may be the key itself.
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("this is no name of an environment variable; put the key into one")
        return name

    @field_validator("extra")
    @classmethod
    def _adds(cls, extra: dict[str, Any]) -> dict[str, Any]:
        for key in _OURS:
            if key in extra:
                raise ValueError(f"'{key}' is set by speciate; leave it out")
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise ValueError(f"{exc}; give what JSON can say") from exc
        return extra

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or self.model


class Budget(Section):
    """What may be spent on replies; those that were recorded before are free.

    Replies that are under way when a limit is reached are still taken.
    """

    calls: Annotated[int, Field(ge=0)] | None = Field(None, description="Replies.")
    tokens: Annotated[int, Field(ge=0)] | None = Field(None, description="Asked and answered.")
    cost: NonNegative | None = Field(None, description="In the currency of the prices.")


class Recording(Section):
    """Where requests and replies are kept."""

    folder: str | None = Field(
        None, description="Absolute, or with ~; speciate/chat in the user's cache if not given."
    )
    replay: bool = Field(False, description="Answer from the folder only, and ask nobody.")

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: str | None) -> str | None:
        # Workers on other machines run in other folders.
        if folder is not None and not Path(folder).expanduser().is_absolute():
            raise ValueError(f"'{folder}' is relative; give an absolute path, or one with ~")
        return folder


class Asking(Section):
    """An endpoint with what asking it takes."""

    endpoint: Endpoint
    budget: Budget = Field(Budget(), exclude=True)
    record: Recording = Field(Recording(), exclude=True)

    @model_validator(mode="after")
    def _is_priced(self) -> "Asking":
        if self.budget.cost is not None and self.endpoint.prices == Prices():
            raise ValueError("a budget of cost needs prices: set endpoint.prices")
        return self
