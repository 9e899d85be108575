"""Campaigns on real models that turn candidates away before they are scored in full."""

from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.records import Individual, State
from speciate.session import run
from speciate.verify import verify

RACE = "[strategy.race]\nerror = 0.3\nchunk = 4\n"
ITEMS = {"choice": 24, "complete": 8}


def campaign(folder: Path, zoo: Path, more: str = RACE) -> Path:
    """Children of few items, most of them mutants that are far worse than their parents."""
    models = [f"{zoo}/models/{name}" for name in ("english", "library", "tests")]
    lines = [
        f'name = "small"\nseed = 1\n[founders]\nmodels = {models}',
        '[engine]\ntype = "transformers"\n[cluster]\nworkers = 0\n[store]\ndtype = "float32"',
        '[strategy]\ntype = "steady_state"\npopulation = 3\nevaluations = 12\nlag = 3',
        f'founding = "founders"\ncrossover_rate = 0.4\ngene_rate = 1.0\nsigma = 0.05\n{more}',
    ]
    for task, kind in (("choice", "multiple_choice"), ("complete", "exact_match")):
        lines.append(f'[[tasks]]\nname = "{task}"\nkind = "{kind}"')
        for split in ("search", "test"):
            count = ITEMS[task] if split == "search" else 4
            items = (zoo / "tasks" / f"{task}.{split}.jsonl").read_text().splitlines()[:count]
            (folder / f"{task}.{split}.jsonl").write_text("\n".join(items))
            lines.append(f'{split} = "{task}.{split}.jsonl"')
    lines.append("max_tokens = 3\nweight = 0.5")
    path = folder / "small.toml"
    path.write_text("\n".join(lines))
    return path


def failed(archive: Archive) -> list[Individual]:
    return [one for one in archive.individuals.values() if one.evaluation is None]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, zoo: Path) -> Path:
    return campaign(tmp_path_factory.mktemp("race"), zoo)


@pytest.fixture(scope="module")
def raced(small: Path, transformers: Engine) -> Archive:
    """A campaign with a race, undisturbed."""
    run(small, small.parent / "raced", start=lambda *_: transformers)
    return Archive.open(small.parent / "raced")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Archive:
    """The same without one."""
    path = campaign(tmp_path_factory.mktemp("plain"), zoo, more="")
    run(path, path.parent / "out", start=lambda *_: transformers)
    return Archive.open(path.parent / "out")


def test_the_dropped_are_recorded_with_how_far_they_came(raced: Archive) -> None:
    dropped = failed(raced)
    assert dropped
    total = sum(ITEMS.values())
    for one in dropped:
        assert one.digest
        words = str(one.error).split()
        assert words[:2] == ["dropped", "after"]
        assert words[3:-1] == ["of", str(total), "items:", "it", "cannot", "reach"]
        (bar,) = [name for name in raced.individuals if name.startswith(words[-1])]
        assert raced.individuals[bar].evaluation
    assert raced.state is not None
    assert verify(raced, raced.state.members, lambda _: None) == []
    assert not raced.fsck()


def test_those_who_stay_have_the_scores_of_a_campaign_without_race(
    raced: Archive, plain: Archive
) -> None:
    same = [name for name in raced.individuals if name in plain.individuals]
    stayed = [name for name in same if raced.individuals[name].evaluation]
    assert len(stayed) > 3
    for name in stayed:
        assert raced.individuals[name].evaluation == plain.individuals[name].evaluation
    assert not failed(plain)


def test_items_saved_are_counted(raced: Archive, plain: Archive) -> None:
    def sums(archive: Archive) -> dict[str, float]:
        steps = [line for line in archive.telemetry.read() if "step" in line]
        return {name: sum(line[name] for line in steps) for name in ("items", "saved")}

    total = sum(ITEMS.values())
    assert sums(plain) == {"items": 15 * total, "saved": 0}
    found = sums(raced)
    assert found["items"] + found["saved"] == 15 * total
    asked = [int(str(one.error).split()[2]) for one in failed(raced)]
    assert found["saved"] == sum(total - count for count in asked)


def test_again_and_stopped_with_bars_pending_is_the_same(
    small: Path, raced: Archive, transformers: Engine
) -> None:
    class StopHere(Exception):  # noqa: N818
        pass

    class Stopper:
        def candidate(self, done: int, total: int) -> None: ...

        def engine(self, *_: object) -> None: ...

        def note(self, text: str) -> None: ...

        def step(self, state: State, *_: object) -> None:
            if state.step == 5:
                assert any(proposal.bar for proposal in state.pending)
                raise StopHere

    out = small.parent / "stopped"
    with pytest.raises(StopHere):
        run(small, out, view_for=lambda *_: Stopper(), start=lambda *_: transformers)
    run(small, out, start=lambda *_: transformers)
    assert Archive.open(out).head == raced.head


def test_offspring_are_screened_and_founders_are_not(
    tmp_path: Path, zoo: Path, transformers: Engine
) -> None:
    path = campaign(tmp_path, zoo, more="[screens]\nbits_per_token = 1.0\n")
    run(path, tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    founders = [one for one in archive.individuals.values() if one.proposer == "founder"]
    assert all(one.evaluation for one in founders)
    offspring = [one for one in archive.individuals.values() if one.proposer == "steady_state"]
    assert len(offspring) == 12
    assert all(str(one.error).startswith("screen: ") for one in offspring)
    assert all(str(one.error).endswith(" bits per token, more than 1") for one in offspring)
    assert archive.report is not None


def test_a_task_that_cannot_race_is_named_before_anything_is_started(bench: Any) -> None:
    path = bench.campaign(strategy="")
    text = path.read_text().replace('type = "genome"', 'type = "steady_state"\nrace = {}')
    path.write_text(text)
    assert bench.refused_run(path) == (
        "task 't' cannot race: likelihood gives items no values between 0 and 1 whose mean is the "
        "fitness; leave out strategy.race, or set the task's weight = 0"
    )
