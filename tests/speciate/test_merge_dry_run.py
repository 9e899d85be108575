"""What a dry run tells of a merge, and that it writes nothing."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

MODELS = ("english", "library", "base")


@pytest.fixture
def recipe(bench: Any) -> Path:
    path: Path = bench.folder / "recipe.toml"
    paths = {name: bench.zoo / "models" / name for name in MODELS}
    path.write_text(f"""
operator = "ties"
parents = [
    {{ path = "{paths["base"]}", role = "base" }},
    {{ path = "{paths["english"]}" }},
    {{ path = "{paths["library"]}" }},
]
[parameters]
scope = "row"
density = {{ models = [[0.1, 0.4], {{ attention = 0.3, other = 0.2 }}] }}
scale = [{{ value = 0.5, module = "mlp", layers = [0, 1] }}, {{ value = 1.0 }}]
""")
    return path


@pytest.fixture
def told(bench: Any, recipe: Path, cli: Any) -> Any:
    said = cli("merge", recipe, bench.folder / "out", "--dry-run", "--json")
    assert (said.status, said.err) == (0, "")
    assert sorted(path.name for path in bench.folder.iterdir()) == ["recipe.toml"]
    return json.loads(said.out)


def test_sizes(told: Any, bench: Any) -> None:
    model = bench.zoo / "models" / "base" / "model.safetensors"
    assert told["tensors"] == 38
    assert told["dtypes"] == {"bfloat16": 38}
    assert model.stat().st_size - 10_000 < told["bytes"] < model.stat().st_size
    assert sum(p["bytes"] for s in told["segments"] for p in s["parts"]) == told["bytes"]
    assert sum(p["tensors"] for s in told["segments"] for p in s["parts"]) == told["tensors"]
    assert told["disk"]["needed"] == told["bytes"] + 2**24
    assert [parent["bytes"] for parent in told["parents"]] == [model.stat().st_size] * 3
    assert [parent["role"] for parent in told["parents"]] == ["base", "model", "model"]


def test_schedules_are_evaluated_where_they_apply(told: Any) -> None:
    [segment] = told["segments"]
    found = {part["part"]: part["parameters"] for part in segment["parts"]}
    rising = {"first": 0.1, "last": 0.4, "low": 0.1, "high": 0.4}
    assert list(found) == [
        "embedding",
        "blocks 0-3 attention",
        "blocks 0-3 mlp",
        "blocks 0-3 norm",
        "norm",
    ]
    assert found["embedding"]["density"] == [0.1, 0.2]
    assert found["blocks 0-3 attention"]["density"] == [rising, 0.3]
    assert found["norm"] == {"density": [0.4, 0.2], "scale": 1.0}
    mlp = found["blocks 0-3 mlp"]
    assert mlp["scale"] == {"first": 0.5, "last": 1.0, "low": 0.5, "high": 1.0}
    assert segment["constants"] == {
        "weights": None, "merge": "mean", "majority": "vote", "scope": "row",
    }  # fmt: skip


def test_rules_that_count_nowhere_are_told(bench: Any, recipe: Path, cli: Any) -> None:
    """A mistaken name or block, or a rule behind one that takes all: the merge tells it too."""
    rules = """weights = [[{ value = 2, name = "q_prj" }, { value = 1 }, { value = 3 }], 1]
scale = [{ value = 0.5, layers = [9, 12] }, { value = 0.5, module = "mlp" }, { value = 1 }]"""
    text = recipe.read_text().split("scale =")[0] + rules
    recipe.write_text(text)
    expected = [
        f"{name}: rule {number} counts for no tensor; look at its name, module and layers"
        for name, number in (("weights of model 1", 1), ("weights of model 1", 3), ("scale", 1))
    ]
    said = cli("merge", recipe, bench.folder / "out", "--dry-run", "--json")
    assert sorted(json.loads(said.out)["warnings"]) == sorted(expected)
    said = cli("merge", recipe, bench.folder / "out")
    assert said.status == 0
    assert all(line in " ".join(said.err.split()) for line in expected)


def test_costs(told: Any) -> None:
    assert told["time"]["seconds"] > 0
    assert told["time"]["trial"].endswith("_proj.weight")
    assert 0 < told["memory"]["bytes"] < 10**9


def test_people_see_it_within_80_columns(bench: Any, recipe: Path, cli: Any) -> None:
    said = cli("merge", recipe, bench.folder / "out", "--dry-run")
    lines = said.out.splitlines()
    text = " ".join(said.out.split())
    assert max(len(line) for line in lines if str(bench.zoo) not in line) <= 80
    assert "density 0.1 to 0.4, 0.3" in text
    assert "tensors: 38 bfloat16" in text


def test_another_dtype(bench: Any, recipe: Path, cli: Any, told: Any) -> None:
    said = cli("merge", recipe, bench.folder / "out", "--dry-run", "--json", "--dtype", "float32")
    found = json.loads(said.out)
    assert found["dtypes"] == {"float32": 38}
    assert found["bytes"] == 2 * told["bytes"]


def test_refused_as_the_merge_would_be(bench: Any, recipe: Path) -> None:
    out = bench.folder / "out"
    recipe.write_text(recipe.read_text().replace("[0.1, 0.4]", "[0.1, 4]"))
    real, dry = (
        bench.refused("merge", recipe, out),
        bench.refused("merge", recipe, out, "--dry-run"),
    )
    assert real == dry
    assert "density" in dry
    out.mkdir()
    real, dry = (
        bench.refused("merge", recipe, out),
        bench.refused("merge", recipe, out, "--dry-run"),
    )
    assert real == dry


def test_a_disk_without_room_is_told_after_the_plan(
    bench: Any, recipe: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(bench.folder)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    said = cli("merge", recipe, bench.folder / "out", "--dry-run", "--json")
    assert said.status == 2
    assert json.loads(said.out)["disk"]["free"] == 2**20
    assert said.err.endswith("are free; make room or choose another folder\n")


def test_pieces_of_a_stack(bench: Any, cli: Any) -> None:
    path = bench.folder / "stack.json"
    parents = [{"path": str(bench.zoo / "models" / "base"), "role": "parent"}]
    path.write_text(
        json.dumps(
            {"operator": "layer_duplicate", "parents": parents, "parameters": {"layers": [3]}}
        )
    )
    said = cli("merge", path, bench.folder / "out", "--dry-run", "--json")
    found = json.loads(said.out)
    labels = [part["part"] for one in found["segments"] for part in one["parts"]]
    assert found["tensors"] == 38 + 9
    assert "block 4 mlp" in labels
    assert cli("merge", path, bench.folder / "out", "--dry-run").status == 0


@pytest.mark.parametrize("operator", ["slerp", "rebasin", "wudi", "sma"])
def test_operators_of_other_grains(bench: Any, cli: Any, operator: str) -> None:
    models = [{"path": str(bench.zoo / "models" / name)} for name in MODELS[:2]]
    base = {"path": str(bench.zoo / "models" / "base"), "role": "base"}
    path = bench.folder / "r.json"
    parents = [*models, *([base] if operator == "wudi" else [])]
    path.write_text(json.dumps({"operator": operator, "parents": parents}))
    said = cli("merge", path, bench.folder / "out", "--dry-run", "--json")
    found = json.loads(said.out)
    assert (found["time"] is None) == (operator == "rebasin")
    assert found["memory"]["bytes"] > 0
