"""`speciate strategies`."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.load import _TYPES
from speciate.configs.strategies import SECTIONS
from speciate.population.strategies import STRATEGIES


def test_all_strategies_are_told(cli: Any) -> None:
    found = {one["name"]: one for one in json.loads(cli("strategies", "--json").out)}
    assert found.keys() == STRATEGIES.keys() == SECTIONS.keys()
    for one in found.values():
        assert one["summary"].endswith("."), one["name"]
        assert "type" not in [parameter["name"] for parameter in one["parameters"]]
        for parameter in one["parameters"]:
            assert parameter["type"]
            assert parameter["description"].endswith("."), (one["name"], parameter)
    assert found["cycle_qd"]["needs"] == ["base", "tasks"]
    assert found["dfs"]["needs"] == ["models"]
    assert found["genome"]["needs"] == []
    assert not found["cma_es"]["agents"]
    assert found["m2n2"]["paper"] == "arXiv 2508.16204"


@pytest.mark.parametrize(
    ("strategy", "parameter", "type_", "bounds", "default"),
    [
        ("steady_state", "replace", "worst | oldest", None, "worst"),
        ("cma_es", "weights", "list of numbers", None, [0.0, 1.0]),
        ("cma_es", "size", "integer", ">= 4", None),
        ("map_elites", "behaviours", "list of strings", None, None),
        ("mixture", "parts", "list of tables", None, None),
        ("m2n2", "attraction", "boolean", None, True),
    ],
)
def test_parameters(
    cli: Any, strategy: str, parameter: str, type_: str, bounds: str | None, default: Any
) -> None:
    found = json.loads(cli("strategies", strategy, "--json").out)
    [one] = [one for one in found["parameters"] if one["name"] == parameter]
    assert (one["type"], one["bounds"], one["default"]) == (type_, bounds, default)


@pytest.mark.parametrize("name", [None, *SECTIONS])
def test_people_read_it_within_80_columns(cli: Any, name: str | None) -> None:
    said = cli("strategies", *([name] if name else []))
    assert said.status == 0
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_an_unknown_one_is_refused_with_a_hint(cli: Any) -> None:
    said = cli("strategies", "m2n")
    assert said.status == 2
    assert "unknown strategy 'm2n'; did you mean 'm2n2'?" in said.err


def test_the_page_has_a_row_for_each() -> None:
    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
    for name in SECTIONS:
        assert f"| `{name}` |" in page or f"| [`{name}`]" in page, name


def test_messages_leave_out_the_names_of_types() -> None:
    assert SECTIONS.keys() <= _TYPES
