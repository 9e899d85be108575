"""API keys: from the environment to the header of a request, and nowhere else."""

import os
from collections.abc import Mapping

from speciate.configs.chat import Endpoint
from speciate.errors import ConfigError

_HIDDEN = "***"
# A shorter one may be part of any text, as "test" is; only endpoints without secrets take such.
_SHORTEST_SECRET = 8


class Key:
    """An API key that does not show itself."""

    def __init__(self, value: str | None) -> None:
        """Takes the key, or None for endpoints that need none."""
        self._value = value

    def reveal(self) -> str | None:
        """The key itself, for the header."""
        return self._value

    def hidden(self, text: str) -> str:
        """A text of the endpoint's without the key, should it repeat it."""
        if self._value is None or len(self._value) < _SHORTEST_SECRET:
            return text
        return text.replace(self._value, _HIDDEN)

    def __repr__(self) -> str:
        return f"Key({_HIDDEN})"


def key_of(endpoint: Endpoint, environment: Mapping[str, str] = os.environ) -> Key:
    """The key of an endpoint.

    Raises:
        ConfigError: The environment variable is not set, or holds what no header can.
    """
    name = endpoint.api_key_env
    if name is None:
        return Key(None)
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(
            f"endpoint '{endpoint.title}': environment variable {name} is not set; "
            "put the API key into it, or correct api_key_env"
        )
    # An HTTP library would quote it in an error.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ConfigError(
            f"endpoint '{endpoint.title}': environment variable {name} holds characters that are "
            "in no API key; correct it"
        )
    return Key(value)
