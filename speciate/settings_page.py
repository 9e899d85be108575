"""Settings with what is to be known of each, from their own declarations, as JSON and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from speciate.configs.operators.common import PerModel
from speciate.configs.operators.per_model import (
    may_vary,
    mentions,
    one_a_model,
    schema_of_numbers,
)
from speciate.output import plain_table

_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def settings(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Name, type in words, bounds, default and sentence of each field."""
    schemas = model.model_json_schema().get("properties", {})
    for name, field in model.model_fields.items():
        required = field.is_required()
        yield {
            "name": name,
            **_type(field, schemas[name]),
            "required": required,
            "default": None if required else _plain(field.default),
            "description": field.description or "",
        }


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _type(field: FieldInfo, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The type in words, and the bounds of its numbers."""
    if not may_vary(field.annotation):
        return {"type": _words(schema), "bounds": _bounds(schema)}
    words = "schedule"
    if one_a_model(field.annotation):
        words = "schedules, one a model"
    elif mentions(field.annotation, PerModel):
        words = "schedule, or one a model"
    return {"type": words, "bounds": _bounds(schema_of_numbers(field))}


def _words(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " | ".join(schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        items = schema.get("items") or schema.get("prefixItems", [{}])[0]
        inner = _words(items)
        return (
            f"list of {inner}s" if "list" not in inner else inner.replace("list", "list of lists")
        )
    return str(schema.get("type", "table"))


def _bounds(schema: Mapping[str, Any]) -> str | None:
    inner = [*schema.get("anyOf", ()), schema.get("items", {}), schema]
    found = [f"{sign} {one[key]:g}" for one in inner for key, sign in _BOUNDS.items() if key in one]
    return ", ".join(found) or None


def page(
    heading: Text, facts: Mapping[str, str], parameters: Sequence[Mapping[str, Any]]
) -> RenderableType:
    """A heading, facts but for empty ones, and all settings."""
    table = plain_table("", " ")
    table.show_header = False
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(value))
    lines: list[RenderableType] = []
    for one in parameters:
        bounds = f" ({one['bounds']})" if one["bounds"] else ""
        default = "required" if one["required"] else f"default {_value(one['default'])}"
        head = Text.assemble((one["name"], "bold"), f"  {one['type']}{bounds}; {default}")
        lines += [head, Padding(one["description"], (0, 0, 0, 4))]
    return Group(heading, "", table, "", *(lines or [Text("No parameters.")]))


def _value(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return "not given"
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, dict):
        return str(value.get("operator", value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
