"""Whole campaigns of adapters: scored in litters that are always the same, and kept as adapters."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.population.adapters import Adapter
from speciate.population.folders import weights_in
from speciate.records import Proposal, State
from speciate.session import run
from speciate.verify import verify
from speciate.workers import InProcess

FOUNDERS = ("library", "english", "headers", "tests")
STRATEGIES = {
    "genome_plus": "generations = 1\npopulation = 4\nmutation_rate = 0.5",
    "steady_state": "evaluations = 9\nlag = 5\nbatch = 2\npopulation = 4",
}
Done = Callable[..., Archive]


class Coupled:
    """The transformers engine, whose scores here depend on who is asked together.

    Those of vLLM do in their last bits; here it cannot be missed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.generate, self.close = engine.generate, engine.close
        self._shift = 0.0

    def load_adapters(self, adapters: Sequence[Path | None]) -> None:
        self._engine.load_adapters(adapters)
        digests = [weights_in(folder).digest() if folder else "" for folder in adapters]
        shares = [int(digest[:6] or "0", 16) / 16**6 for digest in digests]
        self._shift = sum(share / (1 + place) for place, share in enumerate(shares)) / 1000

    def logprobs(self, sequences: Any, models: Sequence[int] = ()) -> Any:
        return [found + self._shift for found in self._engine.logprobs(sequences, models)]


@pytest.fixture
def engine(transformers: Engine, zoo: Path) -> Coupled:
    transformers.load(zoo / "models" / "base")
    return Coupled(transformers)


def campaign(
    folder: Path,
    zoo: Path,
    adapters: Path,
    strategy: str = "genome_plus",
    engine: str = "transformers",
) -> Path:
    """A small campaign file with its tasks."""
    models = [str(adapters / name) for name in FOUNDERS]
    lines = [
        'name = "small"',
        f"founders = {{ base = {json.dumps(str(zoo / 'models' / 'base'))}, models = {models} }}",
        f'engine = {{ type = "{engine}", adapters = 3 }}',
        "cluster = { workers = 0 }",
        f'[strategy]\ntype = "{strategy}"\n{STRATEGIES[strategy]}\ncrossover_rate = 0.8',
        '[[strategy.crossover]]\noperator = "lora_svd"',
        '[[strategy.crossover]]\noperator = "knots"\nparameters = { density = [0.4, 0.9] }',
    ]
    for name, kind in (("library", "likelihood"), ("complete", "exact_match")):
        lines += ["[[tasks]]", f'name = "{name}"', f'kind = "{kind}"']
        lines += ["max_tokens = 2"] if kind == "exact_match" else []
        for split in ("search", "test"):
            items = (zoo / "tasks" / f"{name}.{split}.jsonl").read_text().splitlines()[:3]
            (folder / f"{name}.{split}.jsonl").write_text("\n".join(items))
            lines.append(f'{split} = "{name}.{split}.jsonl"')
    path = folder / f"{strategy}.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, zoo: Path, adapters: Path, transformers: Engine
) -> Done:
    """The campaign of a strategy, run once."""
    folder = tmp_path_factory.mktemp("undisturbed")

    def done(strategy: str = "genome_plus") -> Archive:
        path, out = campaign(folder, zoo, adapters, strategy), folder / strategy
        if not out.exists():
            transformers.load(zoo / "models" / "base")
            run(path, out, start=lambda *_: Coupled(transformers))
        return Archive.open(out)

    return done


def test_individuals_are_adapters_and_the_report_has_the_base(
    undisturbed: Done, adapters: Path
) -> None:
    archive = undisturbed()
    assert archive.report is not None
    base, *others = archive.report["founders"]
    known = archive.individuals
    assert [known[name].digest for name in others] == [
        Adapter(adapters / name).digest() for name in FOUNDERS
    ]
    assert known[base].recipe.parameters["name"] == "base"
    assert known[archive.report["average"]].recipe.operator == "lora_svd"
    assert set(archive.report["test"]) >= {base, archive.report["average"]}
    operators = {one.recipe.operator for one in known.values()}
    assert operators >= {"lora_svd", "lora_gaussian"}
    assert archive.config["engine"]["adapters"] == 3
    assert all((folder / "adapter_config.json").is_file() for folder in _stored(archive))


def test_the_example_of_the_documentation(
    tmp_path: Path, zoo: Path, adapters: Path, transformers: Engine
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text()
    path = tmp_path / "example.toml"
    path.write_text(page.split("```toml\n")[1].split("```")[0].replace('"vllm"', '"transformers"'))
    (tmp_path / "models").symlink_to(zoo / "models")
    (tmp_path / "adapters").symlink_to(adapters)
    (tmp_path / "tasks").mkdir()
    for file in (zoo / "tasks").glob("*.jsonl"):
        lines = file.read_text().splitlines()[:2]
        (tmp_path / "tasks" / file.name).write_text("\n".join(lines))
    transformers.load(zoo / "models" / "base")
    run(path, tmp_path / "out", ["cluster.workers=0"], start=lambda *_: transformers)
    assert Archive.open(tmp_path / "out").report is not None


def _stored(archive: Archive) -> list[Path]:
    found = list(archive.weights.folder.iterdir())
    assert found
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_going_on_forms_the_same_litters(
    strategy: str, undisturbed: Done, tmp_path: Path, zoo: Path, adapters: Path, engine: Coupled
) -> None:
    """Stopped after each step, and with nothing kept but the archive."""
    path, out = campaign(tmp_path, zoo, adapters, strategy), tmp_path / "out"
    steps = 0
    while _stopped(path, out, engine):
        steps += 1
        for folder in ("evaluations", "weights"):
            shutil.rmtree(out / folder, ignore_errors=True)
    assert steps > 3
    assert Archive.open(out).head == undisturbed(strategy).head


class StopHere(Exception):  # noqa: N818
    """Raised in mid-campaign by a test."""


def test_with_vllm(tmp_path: Path, zoo: Path, adapters: Path, vllm_of_adapters: Engine) -> None:
    path = campaign(tmp_path, zoo, adapters, "steady_state", "vllm")
    run(path, tmp_path / "whole", start=lambda *_: vllm_of_adapters)
    whole = Archive.open(tmp_path / "whole")
    while _stopped(path, tmp_path / "parts", vllm_of_adapters):
        for folder in ("evaluations", "weights"):
            shutil.rmtree(tmp_path / "parts" / folder, ignore_errors=True)
    assert Archive.open(tmp_path / "parts").head == whole.head
    assert whole.config["engine"]["adapter_rank"] == 8
    assert len(whole.config["engine"]["adapter_modules"]) == 7
    assert not [one for one in whole.individuals.values() if one.error]


def _stopped(path: Path, out: Path, engine: Any) -> bool:
    """Goes on for one step; whether there is more to do."""

    class Stopper:
        def candidate(self, done: int, total: int) -> None: ...

        def engine(self, work: object, busy: float) -> None: ...

        def note(self, text: str) -> None: ...

        def step(self, *_: object) -> None:
            raise StopHere

    try:
        run(path, out, view_for=lambda *_: Stopper(), start=lambda *_: engine)  # type: ignore[arg-type, return-value]
    except StopHere:
        return True
    return False


@pytest.mark.nightly
def test_killed_and_run_again(
    undisturbed: Done, tmp_path: Path, zoo: Path, adapters: Path, engine: Coupled
) -> None:
    # By its own engine, which the other campaign of this test has too.
    path = campaign(tmp_path, zoo, adapters)
    command = [sys.executable, "-c", "from speciate.cli import main; main()", "run", str(path)]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    telemetry, end = tmp_path / "out" / "telemetry.jsonl", time.monotonic() + 60
    while not (telemetry.exists() and '"step":2' in telemetry.read_text().replace(" ", "")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    heads = []
    for out in ("out", "whole"):
        run(path, tmp_path / out, start=lambda *_: engine._engine)
        heads.append(Archive.open(tmp_path / out).head)
    assert heads[0] == heads[1] != undisturbed().head


def test_the_order_in_which_litters_are_done_says_nothing(
    undisturbed: Done,
    tmp_path: Path,
    zoo: Path,
    adapters: Path,
    engine: Coupled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("speciate.employ.InProcess", LastFirst)
    out = tmp_path / "out"
    run(campaign(tmp_path, zoo, adapters), out, start=lambda *_: engine)  # type: ignore[arg-type, return-value]
    assert Archive.open(out).head == undisturbed().head


class LastFirst(InProcess):
    """As of two workers, of which one is far behind."""

    def take(self) -> Any:
        self._queue.rotate(1)
        return super().take()


def test_a_litter_is_recorded_with_what_is_pending(undisturbed: Done) -> None:
    archive = undisturbed("steady_state")
    states = subprocess.run(
        [
            "git",
            "-C",
            archive.folder,
            "log",
            "-p",
            "-m",
            "--first-parent",
            "--format=",
            "main",
            "--",
            "state.json",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert '"litter"' in states
    data = archive.state.to_json() if archive.state else {}
    assert "pending" not in data
    recipe = next(iter(archive.individuals.values())).recipe
    alone = Proposal(1, recipe, "test")
    assert "litter" not in alone.to_json()
    litter = Proposal(1, recipe, "test", litter=("a", "b"))
    assert Proposal.from_json(json.loads(json.dumps(litter.to_json()))) == litter
    assert State.from_json(State(pending=(litter,)).to_json()).pending == (litter,)


def test_who_cannot_be_bred_leaves_the_litter(
    tmp_path: Path, zoo: Path, adapters: Path, engine: Coupled
) -> None:
    path, out = campaign(tmp_path, zoo, adapters), tmp_path / "out"
    sets = ["strategy.mutation_rate=1.0", "strategy.gene_rate=1.0", "strategy.sigma=1e39"]
    run(path, out, sets, start=lambda *_: engine)  # type: ignore[arg-type, return-value]
    archive = Archive.open(out)
    failed = [one for one in archive.individuals.values() if one.error]
    assert {one.recipe.operator for one in failed} == {"lora_gaussian"}
    assert all("not finite" in str(one.error) or "NaN" in str(one.error) for one in failed)
    assert not any(str(tmp_path) in str(one.error) for one in failed)
    born = [one for one in archive.individuals.values() if one.step == failed[0].step]
    assert any(one.evaluation for one in born)


def test_everybody_can_be_rebuilt(undisturbed: Done, tmp_path: Path, adapters: Path) -> None:
    archive = undisturbed()
    assert archive.state is not None
    told: list[str] = []
    assert verify(archive, archive.state.members, told.append) == []
    assert len(told) == len(archive.state.members)
    shutil.copytree(archive.folder, tmp_path / "copy")
    damaged = Archive.open(tmp_path / "copy")
    member = damaged.individuals[archive.state.members[0]]
    place = damaged.weights.folder / str(member.digest)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(adapters / "library", place)
    (problem,) = verify(damaged, [member.id], lambda _: None)
    assert "lora_" in problem


def test_an_export_is_what_peft_and_transformers_load(
    undisturbed: Done, tmp_path: Path, zoo: Path, cli: Any, transformers: Engine
) -> None:
    archive = undisturbed()
    assert archive.report is not None
    name, out = archive.report["average"], tmp_path / "out"
    assert cli("export", archive.folder, name, out).status == 0
    assert Adapter(out).digest() == archive.individuals[name].digest
    card = (out / "README.md").read_text()
    assert "base_model: base\nbase_model_relation: adapter\nlibrary_name: peft\n" in card
    assert "lora_svd of library and english and headers and tests" in card.replace(
        ", ", " and "
    ).replace("\\", "")
    models = importlib.import_module("transformers")
    peft: Any = pytest.importorskip("peft")
    model = models.AutoModelForCausalLM.from_pretrained(
        zoo / "models" / "base", dtype=torch.float32, local_files_only=True
    )
    model = peft.PeftModel.from_pretrained(model, out).eval()
    tokens = list(range(5, 25))
    with torch.no_grad():
        theirs = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
    transformers.load(zoo / "models" / "base")
    transformers.load_adapters([out])
    [ours] = transformers.logprobs([tokens])
    expected = [float(theirs[place, token]) for place, token in enumerate(tokens[1:])]
    assert ours == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("command", ["show", "lineage", "best", "status", "tree"])
def test_commands_tell_of_adapters(command: str, undisturbed: Done, cli: Any) -> None:
    archive = undisturbed()
    assert archive.report is not None
    name = [archive.report["average"]] if command in ("show", "lineage") else []
    said = cli(command, archive.folder, *name)
    assert said.status == 0
    assert "lora_" in said.out or command in ("best", "status")
