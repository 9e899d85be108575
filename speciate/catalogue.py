"""All operators with what is to be known of each, from their own declarations."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, TypeAlias

from rich.console import Group, RenderableType
from rich.text import Text

from speciate.configs.section import nearest
from speciate.errors import ConfigError
from speciate.output import plain_table
from speciate.planning import ADAPTER_OPERATORS
from speciate.population.adapters import AdapterOperator
from speciate.population.operators.operator import Operator, Structural
from speciate.population.operators.registry import OPERATORS
from speciate.settings_page import page, settings

AnyOperator: TypeAlias = Operator[Any, Any] | Structural[Any] | AdapterOperator[Any, Any]


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
        "parameters": list(settings(one.parameters)),
        "paper": one.paper or None,
    }


def _symmetric(one: AnyOperator) -> bool:
    """Whether it merges several models, of which the order says nothing."""
    if isinstance(one, AdapterOperator):
        return any(arity.most != 1 for arity in one.roles.values())
    return isinstance(one, Operator) and one.symmetric


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
    parents = (f"{words} '{role}'" for role, words in entry["parents"].items())
    facts = {
        "family": f"{entry['family']} (docs/operators/{entry['family']}.md)",
        "parents": ", ".join(parents),
        "statistics": ", ".join(entry["statistics"]),
        "order": "no byte depends on that of the models" if entry["symmetric"] else "",
        "paper": entry["paper"] or "",
    }
    heading = Text.assemble((entry["name"], "bold"), f": {entry['summary']}")
    shown = page(heading, facts, entry["parameters"])
    if any("table" in one["type"] for one in entry["parameters"]):
        keys = Text(f"Keys of the tables: docs/operators/{entry['family']}.md")
        return Group(shown, keys)
    return shown
