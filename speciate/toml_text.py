"""Recipes as TOML text, for model cards; the standard library only reads TOML."""

import json
from collections.abc import Mapping
from typing import Any


def recipe_toml(recipe: Mapping[str, Any]) -> str:
    """Values first, then tables as sections of their own, and so the lists of tables in both.

    Args:
        recipe: Strings, numbers, booleans, lists and tables by key; None is left out.
    """
    plain = {key: value for key, value in recipe.items() if not isinstance(value, Mapping)}
    sections = [_lines(plain)]
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            sections.append([f"[{_key(key)}]", *_lines(value)])
            for inner, tables in value.items():
                sections += _tables(f"{_key(key)}.{_key(inner)}", tables)
        else:
            sections += _tables(_key(key), value)
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _lines(table: Mapping[str, Any], whole: bool = False) -> list[str]:
    """One for each value; lists of tables only if the whole is asked for."""
    return [
        f"{_key(key)} = {_value(value)}"
        for key, value in table.items()
        if value is not None and (whole or not _is_tables(value))
    ]


def _tables(name: str, value: Any) -> list[list[str]]:  # noqa: ANN401
    if not _is_tables(value):
        return []
    return [[f"[[{name}]]", *_lines(table, whole=True)] for table in value]


def _is_tables(value: Any) -> bool:  # noqa: ANN401
    is_list = isinstance(value, list | tuple) and len(value) > 0
    return is_list and all(isinstance(one, Mapping) for one in value)


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else quoted(key)


def quoted(text: str) -> str:
    """Text as a TOML string."""
    # JSON's escapes are TOML's, but for the one control character that JSON lets stand.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
