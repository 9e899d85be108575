"""All operators with what is to be known of each, from their own declarations."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from speciate.configs.operators.common import Parameters, PerModel
from speciate.configs.operators.per_model import (
    may_vary,
    mentions,
    one_a_model,
    schema_of_numbers,
)
from speciate.configs.section import nearest
from speciate.display import plain_table
from speciate.errors import ConfigError
from speciate.planning import ADAPTER_OPERATORS
from speciate.population.adapters import AdapterOperator
from speciate.population.operators.operator import Operator, Structural
from speciate.population.operators.registry import OPERATORS

AnyOperator: TypeAlias = Operator[Any, Any] | Structural[Any] | AdapterOperator[Any, Any]
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def catalogue(name: str | None = None) -> list[dict[str, Any]]:
    """All operators, or one, as JSON values: on models first, then on adapters.

    Raises:
        ConfigError: There is no operator of this name.
    """
    known: dict[str, AnyOperator] = {**OPERATORS, **ADAPTER_OPERATORS}
    if name is not None and name not in known:
        raise ConfigError(f"unknown operator '{name}'; {nearest(name, list(known))}")
    return [_entry(one) for one in known.values() if name in (None, one.name)]


def _entry(one: AnyOperator) -> dict[str, Any]:
    statistics = () if isinstance(one, AdapterOperator) else one.statistics
    return {
        "name": one.name,
        "family": one.family,
        "summary": one.summary,
        "parents": {role: arity.words for role, arity in one.roles.items()},
        "needs_base": "base" in one.roles and one.roles["base"].least > 0,
        "statistics": list(statistics),
        "symmetric": _symmetric(one),
        "parameters": list(_parameters(one.parameters)),
        "paper": one.paper or None,
    }


def _symmetric(one: AnyOperator) -> bool:
    """Whether it merges several models, of which the order says nothing."""
    if isinstance(one, AdapterOperator):
        return any(arity.most != 1 for arity in one.roles.values())
    return isinstance(one, Operator) and one.symmetric


def _parameters(model: type[Parameters]) -> Iterator[dict[str, Any]]:
    schemas = model.model_json_schema()["properties"]
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
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


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


def overview(entries: list[dict[str, Any]]) -> RenderableType:
    """One line an operator, by family."""
    lines: list[RenderableType] = []
    for family, members in groupby(entries, key=lambda one: str(one["family"])):
        table = plain_table("", " ", " ")
        table.show_header = False
        table.columns[0].min_width, table.columns[1].min_width = 16, 10
        for one in members:
            needs = ["base"] * one["needs_base"] + ["statistics"] * bool(one["statistics"])
            table.add_row(one["name"], Text(", ".join(needs), style="dim"), one["summary"])
        lines += [Text(family, style="bold"), table, ""]
    return Group(*lines, Text("speciate operators NAME tells more of one."))


def details(entry: Mapping[str, Any]) -> RenderableType:
    """All of one operator."""
    facts = plain_table("", " ")
    facts.show_header = False
    parents = (f"{words} '{role}'" for role, words in entry["parents"].items())
    rows = {
        "family": f"{entry['family']} (docs/operators/{entry['family']}.md)",
        "parents": ", ".join(parents),
        "statistics": ", ".join(entry["statistics"]),
        "order": "no byte depends on that of the models" if entry["symmetric"] else "",
        "paper": entry["paper"] or "",
    }
    for name, value in rows.items():
        if value:
            facts.add_row(name, Text(value))
    parameters: list[RenderableType] = []
    for one in entry["parameters"]:
        bounds = f" ({one['bounds']})" if one["bounds"] else ""
        default = "required" if one["required"] else f"default {_value(one['default'])}"
        head = Text.assemble((one["name"], "bold"), f"  {one['type']}{bounds}; {default}")
        parameters += [head, Padding(one["description"], (0, 0, 0, 4))]
    heading = Text.assemble((entry["name"], "bold"), f": {entry['summary']}")
    if any("table" in one["type"] for one in entry["parameters"]):
        parameters.append(Text(f"Keys of the tables: docs/operators/{entry['family']}.md"))
    return Group(heading, "", facts, "", *(parameters or [Text("No parameters.")]))


def _value(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
