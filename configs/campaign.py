"""From a TOML file and `--set` overrides to a checked campaign."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speciate.configs.load import read_toml, validated
from speciate.configs.schema import Campaign
from speciate.errors import ConfigError


def load(path: Path, assignments: Sequence[str] = ()) -> Campaign:
    """The campaign of a TOML file with overrides applied.

    Raises:
        ConfigError: See `read_toml`, `override` and `validated`.
    """
    return validated(Campaign, override(read_toml(path), assignments), str(path))


def override(data: dict[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """`data` with `a.b=value` assignments; values are TOML, or else plain strings.

    Raises:
        ConfigError: An assignment has no `=`, or goes through something that is not a table.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {assignment}: write it as key.subkey=value")
        *path, last = key.strip().split(".")
        table: Any = data
        for part in path:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            raise ConfigError(f"--set {assignment}: '{'.'.join(path)}' is not a table")
        table[last] = _value(text)
    return data


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
