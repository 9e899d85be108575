"""What all parts of campaign, recipe and task files share: unknown keys are refused with a hint."""

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


def nearest(word: str, words: Sequence[str]) -> str:
    """A hint that names the most similar of `words`, or all of them."""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(sorted(words))}"


class Section(BaseModel):
    """Base of all sections: frozen, and an unknown key is refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:  # noqa: ANN401
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    hint = nearest(key, list(cls.model_fields))
                    raise ValueError(f"unknown key '{key}'; {hint}")
        return data
