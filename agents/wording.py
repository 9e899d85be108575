"""What others wrote, made fit to be shown: short, printable, without paths and secrets."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from speciate.agents.plain import one_line

SHORT = 300
# A whole operator, of which no end is cut off unseen: it is refused instead.
SOURCE = 12_000

_PATH = re.compile(r"(?:(?<![\w.~/])~?(?:/+[\w.@+-]+){2,}/?)|(?:\b[A-Za-z]:\\[\w.\\-]+)")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
# A shorter one may be part of any text.
_SHORTEST_SECRET = 8


def shown(text: str, most: int = SHORT) -> str:
    """One line for a prompt, of a text that may quote this machine."""
    return one_line(_PATH.sub("<path>", without_secrets(text)), most)


def without_secrets(text: str) -> str:
    """A text without values of the environment that look like keys."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _SECRET.search(name):
            text = text.replace(value, "<secret>")
    return text


def plain(value: Any) -> Any:  # noqa: ANN401
    """The same of which every text, at whatever depth, is as `shown` gives it."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {shown(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return tuple(plain(one) for one in value)
    return value
