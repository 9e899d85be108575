"""Settings of benchmarks that take hours are those of strategies."""

from collections.abc import Mapping
from typing import Any

import ablations
import equal
import ground
import many
import pytest
from toy import Toy

from speciate.configs.strategies import SECTIONS

GENERATIONAL = [label for label, given in equal.STRATEGIES.items() if "generations" in given]
LESS = [label for label, one in ablations.LESS.items() if one.full in GENERATIONAL]
FULL = {**equal.STRATEGIES, ablations.AGENTS: equal.STRATEGIES["steady_state"]}


def parsed(label: str, settings: Mapping[str, Any]) -> Any:
    kind = settings.get("type", label.split(",")[0])
    return SECTIONS[kind].model_validate({"type": kind, **settings})


@pytest.mark.parametrize(
    "settings",
    [equal.STRATEGIES, many.SETTINGS, ground.STRATEGIES],
    ids=["equal", "many", "ground"],
)
def test_strategies_have_these_settings(settings: Mapping[str, Mapping[str, Any]]) -> None:
    assert all(parsed(label, given) for label, given in settings.items())


def made(label: str, settings: Mapping[str, Any]) -> int:
    """Children that a strategy makes of scripted scores of two tasks."""
    tasks = {"objectives": ["one", "two"], "qualities": ["one", "two"], "behaviours": ["two"]}
    given = {key: tasks.get(key, value) for key, value in settings.items() if key != "type"}
    strategy = Toy().strategy(settings.get("type", label.split(",")[0]), **given)
    return Toy().play(strategy)[0][-1].asked


@pytest.mark.parametrize("label", GENERATIONAL)
def test_generations_make_as_many_children_as_are_counted(label: str) -> None:
    assert made(label, equal.STRATEGIES[label]) >= equal.BUDGET


@pytest.mark.parametrize("label", LESS)
def test_so_do_they_without_a_part(label: str) -> None:
    one = ablations.LESS[label]
    assert made(one.kind, {**equal.STRATEGIES[one.full], **one.less}) >= equal.BUDGET


@pytest.mark.parametrize("one", ablations.LESS.values(), ids=lambda one: one.rest)
def test_an_ablation_changes_something(one: ablations.Ablation) -> None:
    full = parsed(one.full, FULL[one.full]).model_dump()
    less = parsed(one.full, {**FULL[one.full], **one.less}).model_dump()
    changed = {key for key in full if full[key] != less[key]} - {"generations"}
    assert changed == set(one.less) - {"generations"}


@pytest.mark.parametrize("one", ablations.ABLATIONS, ids=lambda one: f"{one.kind}: {one.part}")
def test_both_sides_of_an_ablation_are_run(one: ablations.Ablation) -> None:
    assert one.full in FULL
    assert bool(one.less) != (one.label in equal.STRATEGIES)


def test_founders_live_where_there_are_many() -> None:
    assert "all" not in str(many.SETTINGS)
    assert {*many.SETTINGS, *many.WITHOUT} == set(equal.STRATEGIES)


def test_every_strategy_on_known_ground_is_drawn() -> None:
    drawn = {label for labels in ground.GROUPS.values() for label in labels} | {"random"}
    assert drawn == set(ground.STRATEGIES)
