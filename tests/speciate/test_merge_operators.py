"""`speciate operators` and `speciate stats`."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.population.adapters import OPERATORS as OF_ADAPTERS
from speciate.population.operators.registry import OPERATORS
from speciate.population.weights import Checkpoint, Statistics


def test_all_operators_are_told(cli: Any) -> None:
    said = cli("operators", "--json")
    found = {one["name"]: one for one in json.loads(said.out)}
    assert found.keys() == {*OPERATORS, *(one.name for one in OF_ADAPTERS)}
    for one in found.values():
        assert one["summary"].endswith(".")
        assert one["parents"]
        for parameter in one["parameters"]:
            assert parameter["type"]
            assert parameter["description"].endswith((".", ")")), (one["name"], parameter)
    assert found["ties"]["needs_base"]
    assert not found["linear"]["needs_base"]
    assert found["fisher"]["statistics"]
    assert found["ties"]["symmetric"]
    assert found["lora_cat"]["symmetric"]
    assert not any(found[name]["symmetric"] for name in ("slerp", "lora_compeft", "data_flow"))


@pytest.mark.parametrize(
    ("operator", "parameter", "type_", "bounds", "default"),
    [
        ("ties", "density", "schedule, or one a model", "> 0, <= 1", 0.2),
        ("ties", "scale", "schedule", None, 1.0),
        ("ties", "merge", "mean | sum | max", None, "mean"),
        ("linear", "weights", "schedules, one a model", None, None),
        ("karcher", "weights", "schedules, one a model", ">= 0", None),
        ("karcher", "max_iterations", "integer", ">= 0", 100),
        ("tsv_m", "rank", "schedule", "> 0, <= 1", None),
        ("slerp", "t", "schedule", None, 0.5),
        ("linear", "normalize", "boolean", None, True),
        ("lora_svd", "rank", "integer", ">= 1", None),
        ("data_flow", "path", "list of lists of integers", None, None),
    ],
)
def test_parameters(
    cli: Any, operator: str, parameter: str, type_: str, bounds: str | None, default: Any
) -> None:
    found = json.loads(cli("operators", operator, "--json").out)
    [one] = [one for one in found["parameters"] if one["name"] == parameter]
    assert (one["type"], one["bounds"], one["default"]) == (type_, bounds, default)


@pytest.mark.parametrize("name", [None, *OPERATORS, *(one.name for one in OF_ADAPTERS)])
def test_people_read_it_within_80_columns(cli: Any, name: str | None) -> None:
    said = cli("operators", *([name] if name else []))
    assert said.status == 0
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_where_the_keys_of_tables_are(cli: Any) -> None:
    last = "Keys of the tables: docs/operators/structure.md"
    assert cli("operators", "stack").out.splitlines()[-1] == last
    assert "Keys of the tables" not in cli("operators", "ties").out


def test_an_operator_that_is_not(bench: Any) -> None:
    assert bench.refused("operators", "tise") == "unknown operator 'tise'; did you mean 'ties'?"


def task(bench: Any) -> Path:
    path: Path = bench.folder / "task.jsonl"
    path.write_text('{"text": "Some words."}\n{"text": "And some more of them."}\n')
    return path


def test_stats_are_what_operators_take(bench: Any, cli: Any) -> None:
    model = bench.zoo / "models" / "english"
    for name in ("one", "two"):
        said = cli(
            "stats", model, bench.folder / name, "--task", task(bench), "--kinds", "fisher",
            "--labels", "empirical", "--max-tokens", 32, "--device", "cpu", "--json",
        )  # fmt: skip
        assert said.status == 0
        assert json.loads(said.out)["kinds"] == ["fisher"]
    measured = Statistics(bench.folder / "one")
    assert f"{Checkpoint(model).names[0]}.fisher" in measured.names
    parents = [{"path": str(model)}, {"path": str(model)}]
    parents += [{"path": name, "role": "statistics"} for name in ("one", "two")]
    (bench.folder / "r.json").write_text(json.dumps({"operator": "fisher", "parents": parents}))
    said = cli("merge", bench.folder / "r.json", bench.folder / "out", "--json")
    assert said.status == 0
    assert json.loads(said.out)["digest"] == Checkpoint(model).digest()


def test_stats_tell_how_far_they_are(bench: Any, cli: Any) -> None:
    model, out = bench.zoo / "models" / "english", bench.folder / "one"
    said = cli("stats", model, out, "--task", task(bench), "--kinds", "mean,gram", "--items", 1)
    assert (said.out, said.err) == (f"{out}: mean, gram\n", "measuring 1\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kinds", "fishr"], "kinds: 'fishr' is not one of "),
        (["--items", 0], "items: 0 is not between 1 and"),
        (["--kinds", "rcp_votes"], "kind rcp_votes needs a reasoning model"),
        (["--reasoning", "x"], "give --reasoning and --reasoning-statistics together"),
        (["--device", "tpu9"], "device: 'tpu9' is none of cpu, cuda and cuda:N"),
    ],
)
def test_stats_refused(bench: Any, options: list[Any], said: str) -> None:
    model, out = bench.zoo / "models" / "english", bench.folder / "deep" / "out"
    assert said in bench.refused("stats", model, out, "--task", task(bench), *options)
