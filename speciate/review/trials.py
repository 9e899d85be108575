"""What the sandbox saw of a model's code, one line a fact."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from speciate.review.visible import visible


def rows(trials: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values; what is in tables and lists has a line of its own."""
    for name, value in trials.items():
        if isinstance(value, Mapping):
            yield from ((f"{visible(name)} {inner}", said) for inner, said in rows(value))
        elif isinstance(value, list):
            yield from ((visible(name), _said(one)) for one in value)
        else:
            yield visible(name), _said(value)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return visible(value if isinstance(value, str) else json.dumps(value))
