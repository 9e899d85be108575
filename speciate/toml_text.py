"""Recipes as TOML text, for model cards; the standard library only reads TOML."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def recipe_toml(recipe: Mapping[str, Any]) -> str:
    """A table of values, with one line for each parent.

    Args:
        recipe: Strings, numbers, booleans, lists and tables by key; None is left out.
    """
    lines = [
        f"{_key(key)} = {_rows(value) if key == 'parents' else _value(value)}"
        for key, value in recipe.items()
        if value is not None
    ]
    return "\n".join(lines) + "\n"


def _rows(values: Sequence[Any]) -> str:
    return "[\n" + "".join(f"    {_value(value)},\n" for value in values) + "]"


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON lets stand.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
