"""Strategies and constraints in a campaign file: what makes no sense is refused in one line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from speciate.configs import schema
from speciate.configs.constraints import archived
from speciate.configs.load import validated
from speciate.errors import ConfigError

TASKS = [
    {"name": "maths", "kind": "exact_match", "search": "m.jsonl", "test": "m2.jsonl"},
    {"name": "text", "kind": "likelihood", "search": "t.jsonl"},
    {"name": "unseen", "kind": "multiple_choice", "weight": 0, "test": "u.jsonl"},
    {
        "name": "drawn",
        "kind": "exact_match",
        "search": "d.jsonl",
        "temperature": 1,
        "repeats": 4,
    },
]


def campaign(
    strategy: dict[str, Any],
    constraints: list[dict[str, Any]],
    tasks: list[dict[str, Any]] = TASKS,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> schema.Campaign:
    data = {
        "name": "c",
        "founders": {"models": ["a", "b"]},
        "tasks": tasks,
        "strategy": strategy,
        "constraints": constraints,
        **more,
    }
    return validated(schema.Campaign, data, "c.toml")


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ({"type": "nsga2"}, "strategy.objectives: field required"),
        ({"type": "nsga2", "objectives": ["maths"]}, "strategy.objectives: tuple should have at"),
        (
            {"type": "nsga2", "objectives": ["maths", "maths"]},
            "strategy.objectives: 'maths' is named twice; name each task once",
        ),
        (
            {"type": "nsga2", "objectives": ["maths", "txt"]},
            "strategy.objectives: no task 'txt' with a 'search' file; did you mean 'text'?",
        ),
        (
            {"type": "steady_state", "objectives": ["unseen"]},
            "strategy.objectives: no task 'unseen' with a 'search' file; known: drawn, maths, text",
        ),
        (
            {"type": "steady_state", "lag": 2, "batch": 3},
            "strategy: a batch of 3 results never comes with lag = 2 children under way; "
            "set lag to 3 or more",
        ),
        (
            {"type": "steady_state", "evaluation": 3},
            "strategy: unknown key 'evaluation'; did you mean 'evaluations'?",
        ),
        (
            {"type": "cycle_qd", "qualities": ["maths", "text"]},
            "cycle_qd needs a base model: set founders.base",
        ),
        (
            {"type": "mixture", "parts": [{"type": "random"}, {"type": "cma_es"}]},
            "strategy.parts.1.type: unknown value 'cma_es'; ",
        ),
        (
            {
                "type": "mixture",
                "parts": [
                    {"type": "random", "crossover": [{"operator": "ties"}]},
                    {"type": "map_elites", "behaviours": ["txt"]},
                ],
            },
            "ties needs a base model: set founders.base",
        ),
        (
            {
                "type": "mixture",
                "parts": [{"type": "random"}, {"type": "steady_state", "race": {}}],
            },
            "strategy: children of a mixture are scored in full; leave out race and estimate",
        ),
        (
            {"type": "map_elites", "behaviours": ["txt"]},
            "strategy.behaviours: no task 'txt' with a 'search' file; did you mean 'text'?",
        ),
        (
            {"type": "frank_wolfe", "crossover": [{"operator": "slerp"}]},
            "strategy: crossover: give one operator that weighs any number of models",
        ),
        (
            {"type": "steady_stat"},
            "strategy.type: unknown value 'steady_stat'; did you mean 'steady_state'?",
        ),
        (
            {"type": "genome", "objectives": ["maths", "text"]},
            "strategy: unknown key 'objectives'; ",
        ),
    ],
)
def test_a_strategy_that_cannot_run(strategy: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        campaign(strategy, [])
    assert str(caught.value).startswith(f"c.toml: {said}")


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        (
            {"kind": "flor", "task": "maths", "at_least": 0.5},
            "constraints.0.kind: unknown value 'flor'; did you mean 'floor'?",
        ),
        (
            {"kind": "floor", "task": "maths"},
            "constraints.0: the floor of 'maths' needs one of at_least",
        ),
        (
            {"kind": "floor", "task": "maths", "at_least": 0.5, "at_most": 0.9},
            "constraints.0: the floor of 'maths' needs one of at_least",
        ),
        (
            {"kind": "floor", "task": "maths", "at_most": 0.5},
            "constraints.0: more is better at 'maths'; give at_least instead of at_most",
        ),
        (
            {"kind": "floor", "task": "text", "at_least": 2.5},
            "constraints.0: less is better at 'text'; give at_most instead of at_least",
        ),
        (
            {"kind": "floor", "task": "math", "at_least": 0.5},
            "constraints.0.task: no task 'math' with a 'search' file; did you mean 'maths'?",
        ),
        (
            {"kind": "no_worse_than_parents", "task": "maths", "tolerance": -1},
            "constraints.0.tolerance: input should be greater than or equal to 0",
        ),
        (
            {"kind": "negative_flips", "task": "maths", "at_most": 2},
            "constraints.0.at_most: input should be less than or equal to 1",
        ),
        (
            {"kind": "negative_flips", "task": "text"},
            "constraints.0: items of 'text' are not right or wrong; use "
            'kind = "no_worse_than_parents"',
        ),
        (
            {"kind": "negative_flips", "task": "drawn"},
            "constraints.0: items of 'drawn' are not right or wrong; use ",
        ),
    ],
)
def test_a_constraint_that_cannot_be_checked(constraint: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        campaign({"type": "genome"}, [constraint])
    assert str(caught.value).startswith(f"c.toml: {said}")


def test_agents_cannot_replace_what_needs_its_own_results() -> None:
    agents = {"endpoints": [{"model": "m"}]}
    with pytest.raises(ConfigError, match="cma_es needs the results of its own proposals"):
        campaign({"type": "cma_es"}, [], more={"agents": agents})


def test_examples_of_the_page_are_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
    examples = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert len(examples) == 7
    names = ("maths", "code", "safety", "general", "choice")
    tasks = [TASKS[0] | {"name": name} for name in names]
    for example in examples:
        campaign(example.get("strategy", {"type": "genome"}), example.get("constraints", []), tasks)


def test_constraints_come_back_from_the_archive() -> None:
    sections = [
        {"kind": "floor", "task": "text", "at_most": 2.5},
        {"kind": "no_worse_than_parents", "task": "maths"},
        {"kind": "negative_flips", "task": "maths"},
    ]
    config = campaign({"type": "nsga2", "objectives": ["maths", "text"]}, sections)
    assert archived(config.model_dump(mode="json")) == config.constraints
    # Campaigns of before had none.
    assert archived({"name": "old"}) == ()
