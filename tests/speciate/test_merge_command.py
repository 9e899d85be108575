"""`speciate merge` on the zoo: what it writes, says, refuses and leaves behind."""

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file

import speciate
from speciate.merge_file import merge
from speciate.population.weights import Checkpoint, Statistics
from speciate.progress import Lines

LINEAR: Mapping[str, Any] = {
    "operator": "linear",
    "parents": [{"path": "english"}, {"path": "library"}],
    "parameters": {"weights": [3, 1]},
}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def written(bench: Any, recipe: Mapping[str, Any], name: str = "recipe.json") -> Path:
    """A recipe beside the zoo's models, which it names."""
    for one in ("english", "library", "base"):
        if not (bench.folder / one).exists():
            bench.model(one, one)
    path: Path = bench.folder / name
    path.write_text(json.dumps(recipe))
    return path


def test_the_result_is_told_and_carded(bench: Any, cli: Any) -> None:
    path, out = written(bench, LINEAR), bench.folder / "out"
    said = cli("merge", path, out)
    digest = Checkpoint(out).digest()
    assert (said.status, said.err) == (0, "merging 1.7 MB\n")
    assert said.out == f"{out}: weights {digest}\n"
    assert digest in (out / "README.md").read_text()
    assert Checkpoint(bench.folder / "english").digest() in (out / "README.md").read_text()


def test_json_is_all_there_is(bench: Any, cli: Any) -> None:
    path, out = written(bench, LINEAR), bench.folder / "out"
    said = cli("merge", path, out, "--json")
    assert json.loads(said.out) == {"digest": Checkpoint(out).digest(), "folder": str(out)}


def test_options_do_not_change_the_bytes_but_dtype_does(bench: Any, cli: Any) -> None:
    path, out = written(bench, LINEAR), bench.folder / "out"
    digests = []
    for number, options in enumerate(
        ([], ["--jobs", 1], ["--shard-gib", 1e-3], ["--dtype", "float32"])
    ):
        said = cli("merge", path, f"{out}{number}", "--json", *options)
        digests.append(json.loads(said.out)["digest"])
    assert digests[0] == digests[1] == digests[2] != digests[3]
    assert len(list(Path(f"{out}2").glob("model-*.safetensors"))) > 1
    assert Checkpoint(Path(f"{out}3")).dtype("model.norm.weight") == torch.float32


def test_the_python_api_gives_the_digest(bench: Any) -> None:
    heard: list[tuple[int, int]] = []
    digest = speciate.merge(
        written(bench, LINEAR), bench.folder / "out", progress=lambda *now: heard.append(now)
    )
    assert digest == Checkpoint(bench.folder / "out").digest()
    assert heard[0][0] == 0
    assert heard[-1][0] == heard[-1][1] > 10**6
    assert heard == sorted(heard)
    # Once more: importing the module must not hide the function.
    assert speciate.merge(written(bench, LINEAR), bench.folder / "again") == digest


def test_a_model_may_play_two_parts(bench: Any) -> None:
    twice = {"operator": "linear", "parents": [{"path": "english"}, {"path": "english"}]}
    digest = merge(written(bench, twice), bench.folder / "out")
    assert digest == Checkpoint(bench.folder / "english").digest()


def statistics(model: Path, out: Path, factor: float) -> None:
    tensors = Checkpoint(model)
    values = {f"{name}.fisher": torch.full(tensors.shape(name), factor) for name in tensors.names}
    save_file(values, out)


def test_statistics_are_no_models(bench: Any) -> None:
    recipe = {
        "operator": "fisher",
        "parents": [
            {"path": "english"},
            {"path": "library"},
            {"path": "e.safetensors", "role": "statistics"},
            {"path": "l.safetensors", "role": "statistics"},
        ],
    }
    path = written(bench, recipe)
    statistics(bench.folder / "english", bench.folder / "e.safetensors", 1.0)
    statistics(bench.folder / "library", bench.folder / "l.safetensors", 0.0)
    merge(path, bench.folder / "out")
    card = (bench.folder / "out" / "README.md").read_text()
    assert Statistics(bench.folder / "e.safetensors").digest() in card
    assert "All parents have the licence apache-2.0" in card


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dtype", "int8"], "recipe.json: dtype: 'int8' is not one of float32, bfloat16, floa"),
        (["--device", "tpu"], "device: 'tpu' is none of cpu, cuda and cuda:N"),
        (["--jobs", 0], "jobs: 0 is less than 1; leave it out for one a core"),
        (["--shard-gib", 0], "shard size: 0 GiB is not a file's; give 5"),
    ],
)
def test_options_that_cannot_be(bench: Any, options: list[Any], said: str) -> None:
    path = written(bench, LINEAR)
    for more in ([], ["--dry-run"]):
        line = bench.refused("merge", path, bench.folder / "out", *options, *more)
        assert said in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_cuda(bench: Any) -> None:
    line = bench.refused("merge", written(bench, LINEAR), bench.folder / "o", "--device", "cuda")
    assert line == "device: torch finds no CUDA device 0; use cpu"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parents": []}, "parents: tuple should have at least 1 item"),
        ({"parents": [{"path": ""}]}, "parents.0.path: string should have at least 1 character"),
        ({"parents": [{"path": "english", "rol": "model"}]}, "unknown key 'rol'; did you mean 'r"),
        ({"operator": "lora_sdv"}, "unknown operator 'lora_sdv'; did you mean 'lora_svd'?"),
        ({"parameters": {"weights": [[1, -1], [-1, 1]]}}, "linear: weights: sum to 0 at "),
        (
            {"parameters": {"weights": [1, [{"value": 1, "module": "mlp"}]]}},
            "linear: no rule matches lm_head",
        ),
        ({"seed": -1}, "seed: input should be greater than or equal to 0"),
    ],
)
def test_recipes_are_refused_before_anything_is_written(
    bench: Any, change: dict[str, Any], said: str
) -> None:
    path = written(bench, {**LINEAR, **change})
    for more in ([], ["--dry-run"]):
        line = bench.refused("merge", path, bench.folder / "deep" / "out", *more)
        assert line.startswith(f"{path}: ")
        assert said.partition("lm_head")[0] in line


def test_all_parents_that_are_missing_are_named(bench: Any) -> None:
    parents = [{"path": name} for name in ("nope1", str(bench.zoo / "models" / "base"), "nope2")]
    said = bench.refused(
        "merge", written(bench, {**LINEAR, "parents": parents, "parameters": {}}), "out"
    )
    assert "nope1: no such folder" in said
    assert "nope2: no such folder" in said


def test_a_file_that_is_no_recipe(bench: Any) -> None:
    path = bench.folder / "r.json"
    assert bench.refused("merge", path, bench.folder / "o").startswith(f"{path}: no such file")
    path.write_text("[" * 100_000)
    assert f"{path}: not valid JSON" in bench.refused("merge", path, bench.folder / "o")


@pytest.mark.parametrize(
    ("number", "status", "worth"),
    [
        (signal.SIGINT, 130, 1),
        (signal.SIGINT, 130, 1 << 40),
        (signal.SIGTERM, 143, 1),
        (signal.SIGHUP, 129, 1 << 40),
    ],
)
def test_an_interrupted_merge_leaves_nothing(
    bench: Any, tmp_path: Path, number: signal.Signals, status: int, worth: int
) -> None:
    """In a process of its own: Ctrl-C, a polite kill or a closed terminal, amid the merge."""
    recipe = {**LINEAR, "operator": "karcher", "parameters": {}}
    path, out = written(bench, recipe), bench.folder / "out"
    code = (
        "import os, signal, sys, time; from speciate.population import breed\n"
        # Ignored where tests run in the background of a shell.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "real = breed.values_of\n"
        "def slow(*all):\n"
        "    for one in real(*all):\n"
        "        os.write(2, b'at work\\n'); time.sleep(0.05); yield one\n"
        "breed.values_of = slow\n"
        f"breed.WORTH_FORKING = {worth}\n"
        f"sys.argv = ['speciate', 'merge', {str(path)!r}, {str(out)!r}]\n"
        "from speciate.cli import main; main()"
    )
    command = [sys.executable, "-c", code]
    before = sorted(bench.folder.iterdir())
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "merging 1.7 MB\n"
        assert process.stderr.readline() == "at work\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    lines = [line for line in err.splitlines() if line != "at work"]
    assert process.returncode == status
    assert lines == [f"speciate: stopped; nothing is left of {out}"]
    assert sorted(bench.folder.iterdir()) == before


@pytest.mark.parametrize("module", ["typer", "speciate.merge_file", "speciate.planning"])
def test_ctrl_c_while_modules_are_imported(tmp_path: Path, module: str) -> None:
    """At once, within a command before it writes, and within it."""
    code = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['speciate', 'merge', 'recipe.toml', 'out']\n"
        "from speciate.cli import program; program()"
    )
    (tmp_path / "recipe.toml").write_text('operator = "linear"\nparents = [{ path = "x" }]\n')
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (130, "")
    [line] = said.stderr.splitlines()
    assert line.startswith("speciate: stopped")


class OutOfMemoryError(RuntimeError):
    """Called as torch's."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            KeyError("x\ny"),
            "unexpected error: KeyError: 'x\\ny'; run again with speciate --debug and report it",
        ),
        (MemoryError(), "out of memory; use fewer --jobs or --device cpu"),
        (OutOfMemoryError("CUDA"), "out of memory; use fewer --jobs or --device cpu"),
    ],
)
def test_unexpected_errors_are_one_line(
    bench: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("speciate.merge_file.merge", broken)
    path, out = written(bench, LINEAR), bench.folder / "out"
    said = cli("merge", path, out)
    assert (said.status, said.err) == (1, f"speciate: {line}\n")
    with pytest.raises(type(error)):
        cli("--debug", "merge", path, out)


def test_torch_is_not_imported_before_parents_are_hashed(tmp_path: Path) -> None:
    code = (
        "import sys, speciate.merge_file, speciate.cli.merge, speciate.population.recipe_file;"
        "print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_lines_for_those_who_have_no_terminal() -> None:
    clock = iter([100.0, 105.0, 110.0, 111.0, 200.0])
    said = io.StringIO()
    lines = Lines("merging", Console(file=said, width=200), clock=lambda: next(clock))
    for done in (0, 10**9, 2 * 10**9, 3 * 10**9, 4 * 10**9):
        lines(done, 4 * 10**9)
    assert said.getvalue() == ("merging 4.0 GB\nmerging: 2.0 GB of 4.0 GB, 200.0 MB/s, 0:10 left\n")


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    from speciate.progress import watched

    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=100)
    with watched("merging", console) as progress:
        progress(0, 100_000_000)
        progress(50_000_000, 100_000_000)
        time.sleep(0.15)
    assert "50.0/100.0 MB" in said.getvalue()


@pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="no YAML library")
def test_licence_warnings_go_to_stderr(bench: Any, cli: Any) -> None:
    path, out = written(bench, LINEAR), bench.folder / "out"
    (bench.folder / "english" / "README.md").unlink()
    said = cli("merge", path, out, "--json")
    assert said.status == 0
    assert said.err == (
        "speciate: licence: english states none; ask its authors before you share the merge\n"
    )
    assert "english states none" in (out / "README.md").read_text()
    too_much = {"weights": [3e38, 3e38], "normalize": False}
    broken = written(bench, {**LINEAR, "parameters": too_much})
    failed = cli("merge", broken, bench.folder / "other", "--json")
    assert failed.status == 1
    assert "states none" not in failed.err


def test_a_cache_that_cannot_be_written_is_no_error(
    bench: Any, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    said = cli("merge", written(bench, LINEAR), bench.folder / "out")
    assert (said.status, said.err) == (0, "merging 1.7 MB\n")
