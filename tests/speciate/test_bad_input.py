"""Bad campaigns, founders and tasks: one line says what, where and what to do; nothing is left."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

TENSOR = "model.layers.0.mlp.gate_proj.weight"
REMEDY = "; merge only models of one architecture and one vocabulary"


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensor(model: Path, change: Any) -> None:
    tensors = load_file(model / "model.safetensors")
    tensors[TENSOR] = change(tensors[TENSOR])
    save_file(tensors, model / "model.safetensors", {"format": "pt"})


def test_a_missing_founder(bench: Any) -> None:
    missing = bench.folder / "missing"
    line = bench.refused_run(bench.campaign(["english", missing]))
    assert line == f"{missing}: no such folder; give the path of a Hugging Face model"


@pytest.mark.parametrize("kept", [0, 4, 1000, -1000])
def test_a_truncated_founder(bench: Any, kept: int) -> None:
    model = bench.model("short")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    line = bench.refused_run(bench.campaign(["english", model]))
    assert line.startswith(f"{model}: model.safetensors is not whole safetensors (")
    assert line.endswith("; fetch the model again")


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_founder_that_is_not_finite(bench: Any, value: float) -> None:
    model = bench.model("sick")
    edit_tensor(model, lambda tensor: tensor.index_fill(0, tensor.new_tensor([3]).long(), value))
    line = bench.refused_run(bench.campaign(["english", model]))
    assert line.startswith(f"{model}: tensor {TENSOR} has NaN or infinite values; do not breed")


def test_founders_of_different_architecture(bench: Any) -> None:
    model = bench.model("other")
    edit_json(model / "config.json", architectures=["GPT2LMHeadModel"])
    line = bench.refused_run(bench.campaign(["english", model]))
    assert "other: architectures is ['GPT2LMHeadModel'], not ['LlamaForCausalLM']" in line
    assert line.endswith(REMEDY)


def test_founders_of_different_shapes(bench: Any) -> None:
    model = bench.model("narrow")
    edit_tensor(model, lambda tensor: tensor[:, :-1].contiguous())
    line = bench.refused_run(bench.campaign(["english", model]))
    assert f"narrow: {TENSOR} has shape [384, 127], not [384, 128]" in line
    assert line.endswith(REMEDY)


def test_founders_of_different_vocabulary(bench: Any) -> None:
    model = bench.model("foreign")
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    first, second = sorted(vocabulary, key=vocabulary.__getitem__)[:2]
    vocabulary[first], vocabulary[second] = 1, 0
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    line = bench.refused_run(bench.campaign(["english", model]))
    assert f"foreign: token '{first}' is 1, not 0 (1 more differ)" in line
    assert line.endswith(REMEDY)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ('{"txt": "a"}', "unknown key 'txt'; did you mean 'text'?"),
        ('{"text": }', "invalid JSON: expected value"),
        ('{"text": 3}', "text: input should be a valid string (it is 3)"),
        ("{}", "text: field required"),
    ],
)
def test_a_bad_line_of_a_task(bench: Any, second: str, said: str) -> None:
    line = bench.refused_run(bench.campaign(task=bench.task({"text": "a"}, second)))
    assert line.startswith(f"{bench.folder}/t.jsonl:2: not a likelihood item: {said}")


def test_an_empty_split(bench: Any) -> None:
    line = bench.refused_run(bench.campaign(task=bench.task("", " ")))
    assert line == (f"{bench.folder}/t.jsonl: no items; task 't' needs at least one line of JSON")


def test_a_missing_task_file(bench: Any) -> None:
    config = bench.campaign()
    (bench.folder / "t.jsonl").unlink()
    said = "task 't' cannot be read (No such file or directory); check the path in the campaign"
    assert bench.refused_run(config) == f"{bench.folder}/t.jsonl: {said}"


def test_a_task_file_that_is_not_text(bench: Any) -> None:
    config = bench.campaign()
    (bench.folder / "t.jsonl").write_bytes(b'{"text": "\xff"}\n')
    line = bench.refused_run(config)
    assert line.startswith(f"{bench.folder}/t.jsonl: task 't' is not UTF-8 text (")
    assert line.endswith("; save it as UTF-8")


def test_an_item_that_is_too_long_for_the_engine(bench: Any) -> None:
    line = bench.refused_run(bench.campaign(task=bench.task({"text": "a"}, {"text": "a" * 600})))
    assert line == (
        f"{bench.folder}/t.jsonl:2: task 't' needs 601 tokens here, the engine takes 512; "
        "shorten the item, or raise vLLM's engine.max_model_len"
    )


def test_a_chat_without_a_template(bench: Any) -> None:
    model = bench.model("silent", "base")
    (model / "chat_template.jinja").unlink()
    task = bench.task({"prompt": "a", "answer": "b"}, kind="exact_match", more="chat = true")
    config = bench.campaign(task=task)
    config.write_text(config.read_text().replace(f"{bench.zoo}/models/base", str(model)))
    line = bench.refused_run(config)
    said = "the tokenizer has no chat template; set chat = false in the task"
    assert line == f"task 't': {model}: {said}"


@pytest.mark.parametrize("device", ["cudda", "cuda:99"])
def test_a_device_that_is_not_there(bench: Any, device: str) -> None:
    line = bench.refused_run(bench.campaign(more=f'device = "{device}"'))
    assert line.startswith(f"engine.device: '{device}' cannot be used (")
    assert line.endswith("; use cpu, or a device that torch sees on this machine")


TIES = '[[strategy.crossover]]\noperator = "ties"\n[strategy.crossover.parameters]\n'


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("population = 1", "population: input should be greater than or equal to 2 (it is 1)"),
        ("populaton = 2", "unknown key 'populaton'; did you mean 'population'?"),
        (
            '[[strategy.crossover]]\noperator = "tise"',
            "crossover.0.operator: unknown value 'tise'; did you mean 'ties'?",
        ),
        (
            '[[strategy.crossover]]\noperator = "zzz"',
            "crossover.0.operator: unknown value 'zzz'; known: breadcrumbs, ",
        ),
        (
            TIES + "density = -0.5",
            "crossover.0.parameters.density: input should be greater than 0 (it is -0.5)",
        ),
        (
            TIES + "density = [-0.5, 0.5]",
            "crossover.0.parameters.density: input should be greater than 0 (it is -0.5)",
        ),
        (
            TIES + "density = [0.9, 0.1]",
            "crossover.0.parameters: 'density' must be [low, high], not [0.9, 0.1]",
        ),
        (
            TIES + "densty = 0.5",
            "crossover.0.parameters: unknown parameter 'densty'; did you mean 'density'?",
        ),
        (
            TIES + "scale = {atention = 0.5}",
            "crossover.0.parameters.scale: unknown key 'atention'; did you mean 'attention'?",
        ),
    ],
)
def test_a_strategy_that_cannot_run(bench: Any, strategy: str, said: str) -> None:
    config = bench.campaign(strategy=strategy)
    line = bench.refused_run(config)
    dot = "" if said.startswith("unknown key 'p") else "."
    assert line.startswith(f"{config}: strategy{dot or ': '}{said}")
    assert "more problem" not in line


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"transformers"', '"transformer"', "engine.type: unknown value 'transformer'; did you "),
        ('"likelihood"', '"likelyhood"', "tasks.0.kind: unknown value 'likelyhood'; did you "),
        ('kind = "likelihood"', "", "tasks.0.kind: field required"),
        ('"genome"', '"genom"', "strategy.type: unknown value 'genom'; did you mean 'genome'?"),
        ('name = "small"', "", "name: field required"),
        ("[founders]", "[founder]", "unknown key 'founder'; did you mean 'founders'?"),
    ],
)
def test_a_campaign_with_a_slip(bench: Any, right: str, wrong: str, said: str) -> None:
    config = bench.campaign()
    config.write_text(config.read_text().replace(right, wrong, 1))
    assert bench.refused_run(config).startswith(f"{config}: {said}")


def test_a_campaign_that_is_not_toml(bench: Any) -> None:
    config = bench.folder / "bad.toml"
    config.write_text('name = "x"\nseed = = 3\n')
    said = "not valid TOML: Invalid value (at line 2, column 8); correct it there"
    assert bench.refused_run(config) == f"{config}: {said}"
    config.write_bytes(b"\xff\xfe")
    assert bench.refused_run(config).endswith("; save it as UTF-8")


def test_a_campaign_that_is_no_file(bench: Any) -> None:
    missing = bench.folder / "missing.toml"
    said = "no such file; give the path of a TOML file"
    assert bench.refused_run(missing) == f"{missing}: {said}"
    said = "cannot be read (Is a directory); check the path"
    assert bench.refused_run(bench.folder) == f"{bench.folder}: {said}"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("seed", "--set seed: write it as key.subkey=value"),
        ("seed.x=1", "seed: input should be a valid integer"),
        ("tasks.0.name=x", "--set tasks.0.name=x: 'tasks.0' is not a table"),
        ("sead=1", "unknown key 'sead'; did you mean 'seed'?"),
    ],
)
def test_bad_overrides(bench: Any, assignment: str, said: str) -> None:
    assert said in bench.refused_run(bench.campaign(), "--set", assignment)


def test_an_unknown_option(cli: Any, bench: Any) -> None:
    said = cli("run", bench.campaign(), "--outt", bench.folder / "runs")
    assert said.status == 2
    assert "No such option: --outt" in said.err
    assert not (bench.folder / "runs").exists()


def test_a_real_process_says_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", "from speciate.cli import main; main()", "status", "x"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = "x is not an archive; start a campaign with `speciate run CONFIG --out x`"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"speciate: {said}\n")
    assert list(tmp_path.iterdir()) == []


def test_items_that_are_searched_with_and_tested_on(bench: Any) -> None:
    config = bench.campaign()
    (bench.folder / "u.jsonl").write_text((bench.folder / "t.jsonl").read_text())
    line = bench.refused_run(config)
    said = "this test item of 't' is a search item of 't' too; remove it from one of the files"
    assert line == f"{bench.folder}/u.jsonl:1: {said}"


@pytest.mark.parametrize("names", [("a/final", "b/final"), ("average", "b")])
def test_founders_of_one_name_or_a_taken_name(bench: Any, names: tuple[str, str]) -> None:
    config = bench.campaign()
    models = ", ".join(f'"{name}"' for name in names)
    line = bench.refused("run", config, "--out", "x", "--set", f"founders.models=[{models}]")
    assert "founders: " in line
    assert "rename" in line
