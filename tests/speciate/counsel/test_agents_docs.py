"""docs/agents.md: its examples are sections of agents, and its tables have every key."""

import re
import tomllib
from pathlib import Path

import pytest

from speciate.configs.agents import Agent, Agents, Choice
from speciate.configs.section import Section

PAGE = (Path(__file__).parents[3] / "docs" / "agents.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_section(text: str) -> None:
    assert Agents.model_validate(tomllib.loads(text)["agents"]).endpoints


def test_there_are_two_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("section", [Agents, Choice, Agent])
def test_every_key_is_in_a_table(section: type[Section]) -> None:
    first = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert section.model_fields.keys() <= set(re.findall(r"`(\w+)`", " ".join(first)))


def test_defaults_of_the_choice_are_told() -> None:
    for name, field in Choice.model_fields.items():
        assert f"| `{name}` | {field.get_default():g} |" in PAGE
