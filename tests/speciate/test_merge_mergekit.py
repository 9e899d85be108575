"""Configs of mergekit at the command line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from speciate.population.recipe_file import read_recipe
from speciate.population.weights import Checkpoint

TIES = """
merge_method: ties
base_model: {zoo}/models/base
models:
  - model: {zoo}/models/english
    parameters: {{density: 0.5, weight: 0.6}}
  - model: {zoo}/models/headers
    parameters: {{density: [0.2, 0.8], weight: 0.4}}
parameters: {{normalize: true}}
dtype: bfloat16
"""


def written(bench: Any, text: str, name: str = "config.yml") -> Path:
    path: Path = bench.folder / name
    path.write_text(text.format(zoo=bench.zoo))
    return path


def test_a_config_runs_unchanged(bench: Any, cli: Any) -> None:
    config, out = written(bench, TIES), bench.folder / "out"
    said = cli("merge", config, out)
    assert said.status == 0, said.err
    assert Checkpoint(out).names == Checkpoint(bench.zoo / "models" / "base").names
    card = (out / "README.md").read_text()
    assert 'operator = "ties"' in card
    assert 'scope = "tensor"' in card


def test_there_and_back_again(bench: Any, cli: Any) -> None:
    config, back = written(bench, TIES), bench.folder / "back.yaml"
    said = cli("merge", config, back, "--to-mergekit")
    assert said.status == 0, said.err
    assert yaml.safe_load(back.read_text())["merge_method"] == "ties"
    without_notes = {"notes": ()}
    one, two = (read_recipe(path).model_copy(update=without_notes) for path in (config, back))
    assert one == two
    assert "exists already" in bench.refused("merge", config, back, "--to-mergekit")
    for path, out in ((config, "one"), (back, "two")):
        assert cli("merge", path, bench.folder / out).status == 0
    digests = {Checkpoint(bench.folder / out).digest() for out in ("one", "two")}
    assert len(digests) == 1


def test_where_the_config_is_written(bench: Any, cli: Any) -> None:
    config, back = written(bench, TIES), bench.folder / "new" / "back.yaml"
    line = bench.refused("merge", config, back, "--to-mergekit", "--dry-run")
    assert line == "--to-mergekit and --dry-run do not go together; leave one of them out"
    assert cli("merge", config, back, "--to-mergekit").status == 0
    assert [path.name for path in back.parent.iterdir()] == ["back.yaml"]
    below = back / "out.yaml"
    assert bench.refused("merge", config, below, "--to-mergekit").startswith(f"{below}: cannot be ")


def test_what_mergekit_cannot_express(bench: Any) -> None:
    recipe = bench.folder / "recipe.toml"
    recipe.write_text(
        f'operator = "magmax"\nparents = [{{ path = "{bench.zoo}/models/base", role = "base" }},\n'
        f'{{ path = "{bench.zoo}/models/english" }}]\n'
    )
    line = bench.refused("merge", recipe, bench.folder / "out.yml", "--to-mergekit")
    assert "magmax" in line
    assert not (bench.folder / "out.yml").exists()


def test_a_template_and_what_will_differ(bench: Any, cli: Any) -> None:
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    escaped = template.replace("{", "{{").replace("}", "}}")
    text = TIES + f"chat_template: '{escaped}'\ntokenizer_source: base\n"
    config, out = written(bench, text), bench.folder / "out"
    said = cli("merge", config, out)
    assert said.status == 0, said.err
    assert (out / "chat_template.jinja").read_text() == template
    back = bench.folder / "back.yml"
    assert cli("merge", config, back, "--to-mergekit").status == 0
    assert yaml.safe_load(back.read_text())["chat_template"] == template
    notes = read_recipe(config).notes
    assert notes
    assert all(note in said.err for note in notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("merge_method: tise\nmodels: [{{model: {zoo}/models/base}}]\n", "tise"),
        ("merge_method: [\n", "YAML"),
        ("- 1\n", "config.yml"),
        ("merge_method: linear\nmodels: [{{model: org/model}}]\n", "org/model"),
    ],
)
def test_configs_that_are_none(bench: Any, text: str, message: str) -> None:
    config = written(bench, text)
    assert message in bench.refused("merge", config, bench.folder / "out")
