"""Models made of several with the help of data, as a user makes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.population.weights import Checkpoint
from speciate.soup import soup


@pytest.fixture
def config(tmp_path: Path, zoo: Path) -> Path:
    """Three experts, scored on a few items of two of them."""
    lines = [f'name = "soup"\n[founders]\nbase = "{zoo}/models/base"\nmodels = [']
    lines += [f'  "{zoo}/models/{name}",' for name in ("english", "headers", "unicode")]
    lines += [']\n[strategy]\ntype = "genome"\n[engine]\ntype = "transformers"']
    for name in ("english", "headers"):
        for split in ("search", "test"):
            items = (zoo / "tasks" / f"{name}.{split}.jsonl").read_text().splitlines()[:24]
            (tmp_path / f"{name}.{split}.jsonl").write_text("\n".join(items) + "\n")
        lines.append(
            f'[[tasks]]\nname = "{name}"\nkind = "likelihood"\n'
            f'search = "{name}.search.jsonl"\ntest = "{name}.test.jsonl"'
        )
    path = tmp_path / "soup.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_soup_is_better_than_each_of_its_founders(
    config: Path, tmp_path: Path, zoo: Path
) -> None:
    tried: dict[str, float] = {}

    def told(names: str, fitness: float) -> None:
        tried[names] = fitness

    members = soup(config, tmp_path / "out", told=told)
    alone = {name: tried[name] for name in ("english", "headers", "unicode")}
    # The expert on neither task makes it worse, and the two on one each are better together.
    assert set(members) == {"english", "headers"}
    assert tried[" + ".join(members)] == max(tried.values()) > max(alone.values())
    assert members[0] == max(alone, key=lambda name: alone[name])
    assert Checkpoint(tmp_path / "out").names == Checkpoint(zoo / "models" / "base").names


def test_the_command_says_what_it_tries(cli: Any, config: Path, tmp_path: Path) -> None:
    said = cli("soup", config, tmp_path / "out")
    assert said.status == 0
    assert said.out.startswith(f"{tmp_path / 'out'}: ")
    # Three alone, each tried with the best so far, and the last line.
    assert (len(said.out.splitlines()), len(said.err.splitlines())) == (1, 3 + 3)
    again = cli("soup", config, tmp_path / "out")
    assert again.status == 2
    assert "exists already" in again.err
    other = cli("soup", config, tmp_path / "other", "--json")
    assert set(json.loads(other.out)["members"]) == {"english", "headers"}


def test_regmean_plus_plus(cli: Any, zoo: Path, tmp_path: Path) -> None:
    pairs = []
    for name in ("english", "headers"):
        pairs += ["--model", zoo / "models" / name]
        pairs += ["--task", zoo / "tasks" / f"{name}.search.jsonl"]
    command = ["regmean-plus-plus", tmp_path / "out", *pairs, "--items", 4, "--max-tokens", 16]
    said = cli(*command, "--json")
    assert said.status == 0, said.err
    assert json.loads(said.out)["digest"] == Checkpoint(tmp_path / "out").digest()
    one_task = [part for n, part in enumerate(command) if n not in (8, 9)]
    wrong = cli(*one_task[:1], tmp_path / "other", *one_task[2:])
    assert wrong.status == 2
    assert "1 tasks given for 2 models" in wrong.err
