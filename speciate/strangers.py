"""What strangers wrote into a model's folder, read with care: little, and nothing followed."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_LONGEST, _MOST = 1 << 16, 20
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def beginning(file: Path) -> str:
    """The first part of a plain file, or nothing."""
    with suppress(OSError):
        if file.is_file():
            with file.open("rb") as opened:
                return opened.read(_LONGEST).decode("utf-8", "replace").removeprefix("\ufeff")
    return ""


def front_matter(folder: Path) -> Mapping[str, Any]:
    """The YAML at the beginning of a folder's README.md; empty if there is none that is read."""
    lines = beginning(folder / "README.md").splitlines()
    ends = [number for number, line in enumerate(lines) if line.strip() == "---"]
    if len(ends) < 2 or ends[0] != 0:
        return {}
    import yaml  # Late: it takes as long as the smallest merges.

    with suppress(yaml.YAMLError, ValueError, TypeError, RecursionError):
        found = yaml.safe_load("\n".join(lines[1 : ends[1]]))
        return found if isinstance(found, dict) else {}
    return {}


def as_front_matter(fields: Mapping[str, object]) -> str:
    """The beginning of a README.md."""
    import yaml

    return f"---\n{yaml.safe_dump(dict(fields), sort_keys=False)}---"


def config_of(folder: Path) -> Mapping[str, Any]:
    """The folder's config.json; empty if there is none that is read."""
    return _json(folder / "config.json")


def adapter_config_of(folder: Path) -> Mapping[str, Any]:
    """The folder's adapter_config.json; empty if there is none that is read."""
    return _json(folder / "adapter_config.json")


def _json(file: Path) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(beginning(file) or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def hub_named(values: Iterable[object]) -> list[str]:
    """Those of the values that are names of models on the hub."""
    found = [value for value in values if isinstance(value, str) and _HUB_NAME.fullmatch(value)]
    return list(dict.fromkeys(found))[:_MOST]
