"""Every command on a finished campaign, for people and for programs, and what the README shows."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from speciate.archive.archive import Archive
from speciate.configs.schema import Campaign
from speciate.population.recipe_file import RecipeFile
from speciate.population.weights import Checkpoint
from speciate.records import Recipe
from speciate.words import describe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
Read = Callable[..., Any]


@pytest.fixture
def read(cli: Any) -> Read:
    """What a command prints as JSON."""

    def call(*words: object) -> Any:
        said = cli(*words, "--json")
        assert (said.status, said.err) == (0, "")
        return json.loads(said.out)

    return call


def test_status_and_log_agree(finished: Path, read: Read) -> None:
    status, log = read("status", finished), read("log", finished, "--limit", 0)
    assert status["finished"]
    assert status["individuals"] == len(log)
    assert len(status["members"]) == 3
    assert status["last_step"]["step"] == 4
    assert len(read("log", finished, "--limit", 2)) == 2


def test_show_resolves_ids_and_commits(finished: Path, read: Read) -> None:
    name = read("status", finished)["members"][0]["id"]
    found = read("show", finished, name[:8])
    assert found["id"] == name
    assert read("show", finished, found["commit"][:8])["id"] == name
    assert found["words"] == describe(
        Recipe.from_json(found["recipe"]), Archive.open(finished).individuals
    )
    assert len(found["scores"]["library"]["items"]) == 6


def test_lineage_leads_to_founders(finished: Path, read: Read) -> None:
    name = read("status", finished)["members"][0]["id"]
    found = read("lineage", finished, name)
    assert found[0]["id"] == name
    assert any(one["operator"] == "founder" for one in found)
    assert read("tree", finished).keys() >= {one["id"] for one in found}


def test_best_reports_the_champion_on_the_test_split(finished: Path, read: Read) -> None:
    found = read("best", finished)
    assert found["scores"].keys() == {"base", "library", "tests", "english", "average", "champion"}
    overs = [(gain["measure"], gain["over"]) for gain in found["gains"]]
    assert overs == [("library", found["best_founder"]), ("library", "average")]
    for gain in found["gains"]:
        low, high = gain["interval_95"]
        assert low <= gain["mean"] <= high
        difference = (
            found["scores"][gain["over"]]["library"] - found["scores"]["champion"]["library"]
        )
        assert gain["mean"] == pytest.approx(difference)


def test_verify_and_fsck_find_nothing(finished: Path, read: Read) -> None:
    assert read("verify", finished) == read("fsck", finished) == {"problems": []}


def test_export_loads_and_carries_a_card(finished: Path, read: Read, tmp_path: Path) -> None:
    archive = Archive.open(finished)
    # Someone whose weights are not stored, so that they are rebuilt.
    name = next(
        one.id
        for one in archive.individuals.values()
        if one.recipe.operator == "ties" and archive.weights.path(str(one.digest)) is None
    )
    before = archive.weights.digests()
    found = read("export", finished, name, tmp_path / "model")
    assert Checkpoint(tmp_path / "model").digest() == found["digest"]
    assert archive.weights.digests() == before
    card = (tmp_path / "model" / "README.md").read_text()
    assert found["digest"] in card
    assert "ties" in card
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    AutoModelForCausalLM.from_pretrained(tmp_path / "model", local_files_only=True)


def test_merge_and_doctor(cli: Any, read: Read, zoo: Path, tmp_path: Path) -> None:
    recipe = {
        "operator": "linear",
        "parents": [{"path": str(zoo / "models" / name)} for name in ("library", "tests")],
        "parameters": {"weights": [3, 1]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    found = read("merge", tmp_path / "recipe.json", tmp_path / "out")
    assert Checkpoint(tmp_path / "out").digest() == found["digest"]
    assert {check["name"] for check in json.loads(cli("doctor", tmp_path, "--json").out)} >= {"git"}


@pytest.mark.parametrize("command", ["status", "log", "tree", "best", "verify", "fsck"])
def test_people_see_something(finished: Path, cli: Any, command: str) -> None:
    said = cli(command, finished)
    assert said.status == 0
    assert [line for line in said.err.splitlines() if not line.startswith("rebuilding ")] == []
    assert len(said.out.splitlines()) >= 1


def test_examples_of_the_readme_are_valid() -> None:
    blocks = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL)]
    campaigns = [Campaign.model_validate(block) for block in blocks if "founders" in block]
    recipes = [RecipeFile.model_validate(block) for block in blocks if "operator" in block]
    assert len(campaigns) == len(recipes) == 1


def test_commands_of_the_readme_exist(cli: Any) -> None:
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = set(re.findall(r"^speciate (\w+)", blocks, re.MULTILINE))
    assert len(named) >= 8, named
    for command in sorted(named):
        assert cli(command, "--help").status == 0
