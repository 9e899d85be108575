"""From a TOML file and `--set` overrides to a checked campaign; every error names file and key."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from speciate.configs.schema import Campaign
from speciate.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ConfigError: The file is missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a TOML file") from None
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read ({exc.strerror}); check the path") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc


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


def validated(model: type[Model], data: Mapping[str, Any], source: str) -> Model:
    """`data` as `model`.

    Raises:
        ConfigError: The first thing wrong: where (`source` and key), what, and what is expected.
    """
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(f"{source}: {explain(exc)}") from exc


def explain(error: ValidationError) -> str:
    """The first of pydantic's complaints as `key: what is wrong`."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not _is_tag(part, first))
    what = first["msg"].removeprefix("Value error, ")
    what = what[0].lower() + what[1:]
    given = first.get("input")
    if isinstance(given, str | int | float) and "unknown" not in what:
        what += f" (it is {given!r})"
    more = len(error.errors()) - 1
    rest = f"; and {more} more problem{'s' * (more > 1)}" if more else ""
    return (f"{where}: " if where else "") + what + rest


def _is_tag(part: object, error: Mapping[str, Any]) -> bool:
    """Whether pydantic put a union's tag (as in tasks.0.likelihood.search) into the location."""
    tags = ("likelihood", "multiple_choice", "exact_match", "vllm", "transformers", "genome",
            "genome_plus", "function-after")  # fmt: skip
    return part in tags and error["loc"].index(part) > 0


def load(path: Path, assignments: Sequence[str] = ()) -> Campaign:
    """The campaign of a TOML file with overrides applied.

    Raises:
        ConfigError: See `read_toml`, `override` and `validated`.
    """
    return validated(Campaign, override(read_toml(path), assignments), str(path))
