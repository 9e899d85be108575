"""YAML, with errors of one line and lists of numbers in one line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from speciate.errors import ConfigError


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file of one document.

    Raises:
        ConfigError: The file is missing, unreadable, not YAML, or not a mapping with keys of text.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a mergekit config") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read ({exc}); check the file") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        said = " ".join(str(exc).split()) or type(exc).__name__
        raise ConfigError(f"{path}: not valid YAML: {said}; correct it there") from exc
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: not a mergekit config; it has no keys")
    _check_keys(path, data)
    return data


def _check_keys(path: Path, data: object) -> None:
    """YAML reads keys such as `on` and `1` as other things than text."""
    waiting, seen = [data], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise ConfigError(f"{path}: key {key!r} is no text; put it in quotes")
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Lists of numbers in one line; nothing is written as a reference to something before."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_list(self, data: list[Any]) -> Any:  # noqa: ANN401
        numbers = all(isinstance(item, int | float) for item in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Dumper.add_representer(list, _Dumper.represent_list)


def yaml_text(data: Mapping[str, Any]) -> str:
    """YAML of plain data, keys in the order given."""
    text: str = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text
