"""Whole campaigns on the zoo: the same archive every time, and weights that can be rebuilt."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from speciate.archive.archive import Archive
from speciate.errors import DamageError, DiskError
from speciate.evaluator import Engine
from speciate.population.safetensors_writer import Writer
from speciate.records import State
from speciate.session import run
from speciate.verify import verify

KINDS = ("library", "english", "headers")
Runner = Callable[..., Archive]


def campaign(folder: Path, zoo: Path, engine: str = "transformers") -> Path:
    """A small campaign file, with its own copies of tasks and founders."""
    shutil.copytree(zoo / "models", folder / "models", dirs_exist_ok=True)
    lines = [
        'name = "small"',
        "ensemble = true",
        "[founders]",
        'base = "models/base"',
        'models = ["models/library", "models/english", "models/tests"]',
        f'[engine]\ntype = "{engine}"',
        '[store]\ndtype = "float32"',
        "[cluster]\nworkers = 0",
        '[strategy]\ntype = "genome_plus"\ngenerations = 2\npopulation = 4',
        "crossover_rate = 1.0\nmutation_rate = 0.5",
        '[[strategy.crossover]]\noperator = "linear"',
        '[[strategy.crossover]]\noperator = "dare_ties"\nparameters = { density = [0.4, 0.9] }',
    ]
    for kind in KINDS:
        lines += _task(zoo, folder, kind, "likelihood", 4)
    lines += _task(zoo, folder, "choice", "multiple_choice", 4)
    lines += [*_task(zoo, folder, "complete", "exact_match", 2), "max_tokens = 3"]
    path = folder / "small.toml"
    path.write_text("\n".join(lines))
    return path


def _task(zoo: Path, folder: Path, name: str, kind: str, count: int) -> list[str]:
    """A task of the first items of the zoo's, as lines of TOML."""
    lines = ["[[tasks]]", f'name = "{name}"', f'kind = "{kind}"']
    for split in ("search", "test"):
        file = f"{name}.{split}.jsonl"
        items = (zoo / "tasks" / file).read_text().splitlines()[:count]
        (folder / file).write_text("\n".join(items))
        lines.append(f'{split} = "{file}"')
    return lines


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, zoo: Path) -> Path:
    return campaign(tmp_path_factory.mktemp("campaign"), zoo)


@pytest.fixture(scope="module")
def done(small: Path, transformers: Engine) -> Archive:
    """The campaign, undisturbed."""
    out = small.parent / "done"
    run(small, out, start=lambda *_: transformers)
    return Archive.open(out)


def copy_of(archive: Archive, place: Path) -> Archive:
    """A copy to damage."""
    shutil.copytree(archive.folder, place)
    return Archive.open(place)


def problems(archive: Archive) -> list[str]:
    members = archive.state.members if archive.state else ()
    return verify(archive, members, lambda _: None)


class TestSameHash:
    def test_in_another_folder_by_another_process(self, small: Path, done: Archive) -> None:
        out = small.parent / "again"
        _process(small, out).wait()
        assert Archive.open(out).head == done.head

    def test_with_vllm(self, tmp_path: Path, zoo: Path, vllm: Engine, done: Archive) -> None:
        path = campaign(tmp_path, zoo, "vllm")
        heads = []
        for name in ("first", "second"):
            run(path, tmp_path / name, start=lambda *_: vllm)
            archive = Archive.open(tmp_path / name)
            assert archive.report is not None
            assert not archive.fsck()
            heads.append(archive.head)
        assert heads[0] == heads[1] != done.head

    def test_another_seed_is_another_campaign(
        self, small: Path, done: Archive, transformers: Engine
    ) -> None:
        out = small.parent / "seed"
        run(small, out, ["seed=1"], start=lambda *_: transformers)
        assert Archive.open(out).individuals.keys() != done.individuals.keys()

    def test_finished_campaigns_start_no_engine(self, small: Path, done: Archive) -> None:
        run(small, done.folder, start=partial(pytest.fail, "an engine was started"))  # type: ignore[arg-type]

    @pytest.mark.nightly
    def test_killed_at_twenty_random_moments(self, small: Path, done: Archive) -> None:
        out = small.parent / "killed"
        moments = random.Random(0)
        kills = 0
        for _ in range(20):
            process = _process(small, out)
            # Starting takes a few seconds; most kills are to hit the campaign itself.
            time.sleep(moments.uniform(1, 12))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
            if Archive.is_archive(out):
                _git(out, "fsck", "--strict")
            if Archive.is_archive(out) and Archive.open(out).report is not None:
                # Done early: the rest of the kills hit a campaign from its beginning.
                assert Archive.open(out).head == done.head
                shutil.rmtree(out)
        assert kills >= 10
        assert _process(small, out).wait() == 0
        assert Archive.open(out).head == done.head
        assert not Archive.open(out).fsck()


class TestTestSplit:
    def test_is_never_seen_by_selection(
        self, tmp_path: Path, zoo: Path, done: Archive, transformers: Engine
    ) -> None:
        path = campaign(tmp_path, zoo)
        for kind in (*KINDS, "choice", "complete"):
            file = tmp_path / f"{kind}.test.jsonl"
            file.write_text("\n".join(file.read_text().splitlines()[::-1][:3]))
        run(path, tmp_path / "other", start=lambda *_: transformers)
        other = Archive.open(tmp_path / "other")
        assert other.individuals == done.individuals
        assert other.report is not None
        assert done.report is not None
        assert other.report["champion"] == done.report["champion"]
        assert other.report["test"] != done.report["test"]
        voters = [report["ensemble"]["choice"]["voters"] for report in (other.report, done.report)]
        assert voters[0] == voters[1]

    def test_is_scored_for_founders_average_and_champion(self, done: Archive) -> None:
        assert done.report is not None
        assert len(done.report["founders"]) == 4
        names = {*done.report["founders"], done.report["average"], done.report["champion"]}
        assert done.report["test"].keys() == names


class TestVerify:
    def test_rebuilds_everyone_alive(self, done: Archive) -> None:
        told: list[str] = []
        assert done.state is not None
        assert verify(done, done.state.members, told.append) == []
        assert len(told) == len(done.state.members) == 4

    def test_names_a_flipped_byte(self, done: Archive, tmp_path: Path) -> None:
        archive = copy_of(done, tmp_path / "copy")
        assert archive.state is not None
        member = archive.individuals[archive.state.members[1]]
        file = archive.weights.folder / str(member.digest) / "model.safetensors"
        data = bytearray(file.read_bytes())
        data[-100] ^= 1
        file.write_bytes(data)
        (problem,) = problems(archive)
        assert member.id[:10] in problem
        assert "model." in problem

    def test_names_a_changed_founder(self, small: Path, done: Archive, tmp_path: Path) -> None:
        archive = copy_of(done, tmp_path / "copy")
        shutil.copytree(small.parent / "models", tmp_path / "models")
        file = tmp_path / "models" / "library" / "model.safetensors"
        tensors = load_file(file)
        name = sorted(tensors)[0]
        tensors[name] = tensors[name].clone()
        tensors[name].view(-1)[0] += 1
        save_file(tensors, file, metadata={"format": "pt"})
        archive.set_founder_paths(
            {founder: tmp_path / "models" / founder for founder in archive.founder_paths}
        )
        (problem,) = problems(archive)
        assert "founder 'library' changed" in problem

    def test_names_an_edited_recipe(self, done: Archive, tmp_path: Path) -> None:
        archive = copy_of(done, tmp_path / "copy")
        assert archive.state is not None
        name = archive.state.members[0]
        _rewrite_recipe(archive, name)
        damaged = Archive.open(archive.folder)
        assert any(name[:10] in problem for problem in damaged.fsck())
        (problem,) = problems(damaged)
        assert name[:10] in problem
        with pytest.raises(DamageError, match=name[:10]):
            _ = damaged.individuals

    def test_resume_refuses_a_changed_founder(
        self, tmp_path: Path, zoo: Path, transformers: Engine
    ) -> None:
        path = campaign(tmp_path, zoo)
        stop_after(path, tmp_path / "out", transformers, steps=1)
        head = Archive.open(tmp_path / "out").head
        shutil.rmtree(tmp_path / "models" / "library")
        shutil.copytree(tmp_path / "models" / "headers", tmp_path / "models" / "library")
        with pytest.raises(DamageError, match="founder 'library'"):
            run(path, tmp_path / "out", start=lambda *_: transformers)
        assert Archive.open(tmp_path / "out").head == head


class TestHistory:
    def test_git_shows_offspring_with_their_parents(self, done: Archive) -> None:
        for name, one in done.individuals.items():
            commit = done.commit_of(name)
            parents = _git(done.folder, "log", "-1", "--format=%P", commit).split()
            expected = [done.commit_of(parent.id) for parent in one.recipe.parents]
            assert parents == list(dict.fromkeys(expected))
            message = _git(done.folder, "log", "-1", "--format=%B", commit)
            assert one.recipe.operator in message.splitlines()[0]
            assert f"{one.fitness:.4f}" in message.splitlines()[0]
            assert all(f"{parent.role}: " in message for parent in one.recipe.parents)
        graph = _git(done.folder, "log", "--graph", "--oneline", "main")
        assert all(done.commit_of(name)[:7] in graph for name in done.individuals)

    def test_first_parents_are_the_steps(self, done: Archive) -> None:
        subjects = _git(done.folder, "log", "--first-parent", "--format=%s", "main").splitlines()
        assert len(subjects) == len(done.steps()) + 1
        assert subjects[0].startswith("step 7:")

    def test_one_engine_start_serves_all(self, done: Archive, transformers: Engine) -> None:
        assert transformers.starts == 1
        prints = {one.evaluation.fingerprint for one in done.individuals.values() if one.evaluation}
        assert prints == {transformers.fingerprint}


def test_weights_damaged_between_two_runs_are_rebuilt(
    small: Path, done: Archive, transformers: Engine
) -> None:
    out = small.parent / "damaged"
    stop_after(small, out, transformers, steps=3)
    for file in (out / "weights").rglob("model.safetensors"):
        data = bytearray(file.read_bytes())
        data[-100] ^= 1
        file.write_bytes(data)
    run(small, out, start=lambda *_: transformers)
    assert Archive.open(out).head == done.head


class StopHere(Exception):  # noqa: N818
    """Raised in mid-campaign by a test."""


def stop_after(path: Path, out: Path, engine: Engine, steps: int) -> None:
    class Stopper:
        def candidate(self, done: int, total: int) -> None: ...

        def engine(self, work: object, busy: float) -> None: ...

        def note(self, text: str) -> None: ...

        def step(self, state: State, *_: object) -> None:
            if state.step == steps:
                raise StopHere

    with pytest.raises(StopHere):
        run(path, out, view_for=lambda *_: Stopper(), start=lambda *_: engine)


def test_a_candidate_that_fails_is_recorded_and_the_campaign_goes_on(
    tmp_path: Path, zoo: Path, transformers: Engine
) -> None:
    path = campaign(tmp_path, zoo)
    sets = ["strategy.mutation_rate=1.0", "strategy.gene_rate=1.0", "strategy.sigma=1e39"]
    run(path, tmp_path / "out", sets, start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    failed = [one for one in archive.individuals.values() if one.evaluation is None]
    assert failed
    assert all(one.error for one in failed)
    assert archive.report is not None
    assert archive.state is not None
    assert not {one.id for one in failed} & set(archive.state.members)


def test_a_full_disk_stops_the_campaign_and_is_no_candidates_fault(
    small: Path, done: Archive, transformers: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = small.parent / "full"
    written: list[str] = []
    put = Writer.put

    def full(writer: Writer, name: str, start: int, values: Tensor) -> memoryview:
        written.append(name)
        if len(written) > 300:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return put(writer, name, start, values)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "put", full)
        with pytest.raises(DiskError, match="disk became full"):
            run(small, out, start=lambda *_: transformers)
    run(small, out, start=lambda *_: transformers)
    assert Archive.open(out).head == done.head


def _process(path: Path, out: Path) -> subprocess.Popen[bytes]:
    code = "from speciate.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(path), "--out", str(out), "--json"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd=path.parent, stdout=quiet, stderr=quiet, start_new_session=True
    )


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _rewrite_recipe(archive: Archive, name: str) -> None:
    """As someone with stock git would: the whole history again, with another seed in a recipe."""
    seed = str(archive.individuals[name].recipe.seed)
    other = seed[:-1] + str((int(seed[-1]) + 1) % 10)
    folder = str(archive.folder)
    export = subprocess.run(
        ["git", "-C", folder, "fast-export", "main"], check=True, capture_output=True
    ).stdout
    forged = export.replace(f'"seed":{seed}'.encode(), f'"seed":{other}'.encode())
    assert forged != export
    command = ["git", "-C", folder, "fast-import", "--force", "--quiet"]
    subprocess.run(command, input=forged, check=True, capture_output=True)
