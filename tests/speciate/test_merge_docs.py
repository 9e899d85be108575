"""What the guide to merging shows: recipes that are valid, commands and pages that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.operators.adapters import PARAMETERS as OF_ADAPTERS
from speciate.population.operators.registry import validate
from speciate.population.recipe_file import RecipeFile

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "merging.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", blocks("toml"))
def test_recipes_are_valid(text: str) -> None:
    file = RecipeFile.model_validate(tomllib.loads(text))
    if file.of_adapters:
        OF_ADAPTERS[file.operator].model_validate(file.parameters)
    else:
        validate(file.recipe)


@pytest.mark.parametrize("form", re.findall(r"^\| `([\d\[{].*?)` \|", GUIDE, re.MULTILINE))
def test_forms_of_schedules_are_valid(form: str) -> None:
    parents = [{"path": "a", "role": "base"}, {"path": "b"}]
    data: dict[str, Any] = {"operator": "ties", "parents": parents}
    data["parameters"] = tomllib.loads(f"scale = {form}")
    validate(RecipeFile.model_validate(data).recipe)


def test_commands_exist(cli: Any) -> None:
    commands = set(re.findall(r"^speciate ([\w-]+)", "".join(blocks("sh")), re.MULTILINE))
    assert commands == {"operators", "merge", "stats", "extract-adapter"}
    for command in commands:
        said = cli(command, "--help")
        assert said.status == 0
        for option in re.findall(rf"speciate {command} [^#\n]*?(--[a-z-]+)", GUIDE):
            assert option in said.out
    for option in re.findall(r"^\| `(--[a-z-]+)", GUIDE, re.MULTILINE):
        assert option in cli("merge", "--help").out


def test_pages_exist() -> None:
    missing = [
        page for page in re.findall(r"\]\(([\w/]+\.md)\)", GUIDE) if not (DOCS / page).exists()
    ]
    assert not missing
