"""The operator `evolved` as others are used: in recipes, in breeding, by any number of jobs."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import Tensor

from speciate.configs.operators import CROSSOVERS
from speciate.errors import BreedError, ConfigError, SandboxError
from speciate.population.breed import carry_out
from speciate.population.offspring import Offspring
from speciate.population.operators.registry import validate
from speciate.population.plan import make_plan
from speciate.population.recipe_file import read_recipe
from speciate.records import Parent, Recipe, source_digest
from speciate.words import describe

EXAMPLES = Path(__file__).parents[4] / "docs" / "evolved-operators"

Source = Callable[[str], str]
Folder = Callable[..., Path]
Weights = dict[str, Tensor]
NOISE = """noise = random.normal(size=models[0].shape).astype(np.float32)
return np.mean(models, axis=0) + noise * np.float32(parameters["scale"])"""


def recipe(source: str, roles: str = "model model", **values: float) -> Recipe:
    parents = tuple(Parent(f"p{n}", role) for n, role in enumerate(roles.split()))
    return Recipe("evolved", parents, {"source": source, "values": values}, 3)


@pytest.fixture
def parents(folder: Folder, random_weights: Callable[[int], Weights]) -> dict[str, Path]:
    """Three small models."""
    return {f"p{n}": folder(f"p{n}", random_weights(n)) for n in range(3)}


def test_it_does_what_the_source_says(
    apply: Callable[..., Weights], random_weights: Callable[[int], Weights], examples: Any
) -> None:
    floats = [
        {n: t for n, t in random_weights(s).items() if t.is_floating_point()} for s in range(3)
    ]
    roles = {"base": floats[:1], "model": floats[1:]}
    ours = apply("evolved", roles, source=examples["linear"], values={"scale": 1.0})
    theirs = apply("linear", {"model": floats[1:]})
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor)
    half = apply("evolved", roles, source=examples["linear"], values={"scale": 0.5})
    arithmetic = apply("task_arithmetic", roles, weights=[0.25, 0.25])
    for name, tensor in arithmetic.items():
        torch.testing.assert_close(half[name], tensor)


def test_fused_and_odd_tensors_are_what_sources_expect(
    apply: Callable[..., Weights], source: Source
) -> None:
    """Scalars come as vectors, experts one by one."""
    models = [{"scale": torch.tensor(2.0), "experts": torch.ones(3, 4, 5), "v": torch.ones(7)}]
    body = "return models[0] * np.float32(models[0].shape[0] * 10 + models[0].ndim)"
    found = apply("evolved", {"model": models}, source=source(body))
    assert found["scale"].item() == 22
    assert (found["experts"] == 42).all()
    assert (found["v"] == 71).all()


def test_bytes_depend_neither_on_jobs_nor_shards(
    parents: dict[str, Path], source: Source, tmp_path: Path
) -> None:
    plan = make_plan(recipe(source(NOISE), "base model model", scale=0.5), parents)
    found = {
        carry_out(plan, tmp_path / f"{jobs} {shard}", shard_bytes=shard, jobs=jobs)
        for jobs, shard in ((1, 2**30), (2, 2**30), (3, 100))
    }
    streamed = Offspring(plan, jobs=2)
    assert dict(streamed).keys() == {spec.name for spec in plan.frame.specs}
    assert found == {streamed.digest}


def test_random_numbers_are_keyed(apply: Callable[..., Weights], source: Source) -> None:
    models = {"model": [{"a": torch.zeros(500), "b": torch.zeros(500)}]}
    one, same = (apply("evolved", models, source=source(NOISE), seed=1) for _ in range(2))
    other = apply("evolved", models, source=source(NOISE), seed=2)
    assert torch.equal(one["a"], same["a"])
    assert not torch.equal(one["a"], other["a"])
    assert not torch.equal(one["a"], one["b"])
    assert abs(one["a"].mean()) < 0.2
    assert 0.8 < one["a"].std() < 1.2


def test_a_failure_names_source_and_tensor(
    parents: dict[str, Path], source: Source, tmp_path: Path
) -> None:
    text = source("return models[0] / (models[0].shape != (6, 6))")
    plan = make_plan(recipe(text), parents)
    with pytest.raises(BreedError) as caught:
        carry_out(plan, tmp_path / "out", jobs=2)
    digest = source_digest(text)[:10]
    said = f"evolved operator {digest}: tensor proj: "
    assert str(caught.value).startswith(said)
    assert not (tmp_path / "out").exists()


def sandboxes() -> list[str]:
    return [one.name() for one in psutil.Process().children() if one.name() == "bwrap"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_sandboxes_end_with_the_breeding(
    parents: dict[str, Path], source: Source, jobs: int
) -> None:
    stream = iter(Offspring(make_plan(recipe(source(NOISE)), parents), jobs=jobs))
    # The first tensors are copied; the others are merged.
    for name, _ in stream:
        if name == "embed":
            break
    assert 1 <= len(sandboxes()) <= jobs
    stream.close()
    assert sandboxes() == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "evolved: source: field required"),
        ({"source": ""}, "evolved: source: line 1: begin with a docstring"),
        ({"source": "x" * 20001}, "evolved: source: string should have at most 20000"),
        ({"source": "GOOD", "values": {"scael": 1.0}}, "unknown 'scael'; did you mean 'scale'?"),
        ({"source": "GOOD", "values": {"scale": 2.5}}, "scale is 2.5, not between 0 and 2"),
        ({"source": "GOOD", "values": {"scale": "1"}}, "values.scale: input should be a valid"),
        ({"source": "GOOD", "values": {"scale": True}}, "values.scale: input should be a valid"),
        ({"source": "BAD"}, "source: line 9: imports os; only numpy, numpy.linalg, numpy.fft"),
        ({"source": "BAD"}, "(and 1 more)"),
        ({"source": "GOOD", "seed": 1}, "unknown parameter 'seed'"),
    ],
)
def test_wrong_recipes_are_told_in_one_line(
    source: Source, parameters: dict[str, Any], said: str
) -> None:
    texts = {"GOOD": source(NOISE), "BAD": source("import os\nreturn os.getcwd()\nopen('x')")}
    given = {**parameters}
    if "source" in given:
        given["source"] = texts.get(given["source"], given["source"])
    with pytest.raises(ConfigError) as caught:
        validate(Recipe("evolved", (Parent("a", "model"),), given, 0))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_roles_are_a_base_and_models(source: Source) -> None:
    validate(recipe(source(NOISE), "model"))
    validate(recipe(source(NOISE), "model base model model"))
    with pytest.raises(ConfigError, match="at most one 'base'"):
        validate(recipe(source(NOISE), "base base model"))
    with pytest.raises(ConfigError, match="one or more 'model'"):
        validate(recipe(source(NOISE), "base"))


def test_no_strategy_can_choose_it_without_a_source() -> None:
    assert "evolved" not in CROSSOVERS


def test_without_bubblewrap_it_is_refused_before_anything_starts(
    parents: dict[str, Path], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = "operator evolved runs in a sandbox: bubblewrap is missing; install it"
    with pytest.raises(SandboxError, match=said):
        make_plan(recipe(source(NOISE)), parents)


def test_a_recipe_file_may_name_the_file_of_the_source(source: Source, tmp_path: Path) -> None:
    (tmp_path / "operator.py").write_text(source(NOISE))
    content = {"operator": "evolved", "parents": [{"path": "a"}], "parameters": {"values": {}}}
    content["parameters"] = {"source_file": "operator.py", "values": {"scale": 0.5}}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(content))
    found = read_recipe(path).parameters
    assert found == {"source": source(NOISE), "values": {"scale": 0.5}}
    content["parameters"] = {"source_file": "operator.py", "source": "x"}
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="give source or source_file, not both"):
        read_recipe(path)
    content["parameters"] = {"source_file": "nothing.py"}
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"source_file: .*nothing\.py cannot be read"):
        read_recipe(path)


def test_what_the_guide_shows(examples: dict[str, str], tmp_path: Path) -> None:
    guide = (EXAMPLES.parent / "evolved-operators.md").read_text()
    (shown,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert shown == examples["linear"]
    assert all(f"(evolved-operators/{name}.py)" in guide for name in examples)
    (text,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "recipe.toml").write_text(text)
    (tmp_path / "operator.py").write_text(shown)
    validate(read_recipe(tmp_path / "recipe.toml").recipe)


def test_it_is_called_by_its_digest() -> None:
    one = recipe("x = 1", scale=0.5)
    said = f"evolved operator {source_digest('x = 1')[:10]} of p0 and p1, scale 0.5"
    assert describe(one, {}) == said
