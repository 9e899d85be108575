"""All strategies with what is to be known of each, from their own sections."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from speciate.configs.section import nearest
from speciate.configs.strategies import SECTIONS, Search
from speciate.errors import ConfigError
from speciate.output import plain_table
from speciate.settings_page import page, settings

_PAGE = "docs/strategies.md"


def strategy_catalogue(name: str | None = None) -> list[dict[str, Any]]:
    """All strategies, or one, as JSON values.

    Raises:
        ConfigError: There is no strategy of this name.
    """
    if name is not None and name not in SECTIONS:
        raise ConfigError(f"unknown strategy '{name}'; {nearest(name, list(SECTIONS))}")
    return [_entry(kind, one) for kind, one in SECTIONS.items() if name in (None, kind)]


def _entry(name: str, section: type[Search]) -> dict[str, Any]:
    parameters = [one for one in settings(section) if one["name"] not in ("type", *section.unused)]
    return {
        "name": name,
        "summary": (section.__doc__ or "").strip().splitlines()[0],
        "needs": list(_needs(section)),
        "adapters": not section.models_only,
        "agents": section.open_to_agents,
        "parameters": parameters,
        "paper": section.paper or None,
    }


def _needs(section: type[Search]) -> Iterator[str]:
    """What must be there before anything is started, besides two founders."""
    if section.needs_base:
        yield "base"
    tasks = [key for key in section.naming_tasks if key in section.model_fields]
    if any(section.model_fields[key].is_required() for key in tasks):
        yield "tasks"
    if section.models_only:
        yield "models"


def strategies_overview(entries: list[dict[str, Any]]) -> RenderableType:
    """One line a strategy."""
    table = plain_table("", " ", " ")
    table.show_header = False
    table.columns[0].min_width, table.columns[1].min_width = 13, 11
    for one in entries:
        table.add_row(one["name"], Text(", ".join(one["needs"]), style="dim"), one["summary"])
    return Group(table, "", Text("speciate strategies NAME tells more of one."))


def strategy_details(entry: Mapping[str, Any]) -> RenderableType:
    """All of one strategy."""
    words = {
        "base": "a base model: founders.base",
        "tasks": "tasks by name, with search files",
        "models": "whole models with numbered blocks",
    }
    facts = {
        "needs": "; ".join(words[need] for need in entry["needs"]),
        "founders": "models, or adapters of one base" if entry["adapters"] else "models",
        "agents": "may take part" if entry["agents"] else "cannot take part",
        "paper": entry["paper"] or "",
        "page": _PAGE,
    }
    heading = Text.assemble((entry["name"], "bold"), f": {entry['summary']}")
    return page(heading, facts, entry["parameters"])
