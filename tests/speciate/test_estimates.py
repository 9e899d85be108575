"""Campaigns on a real model that estimate candidates before they are scored in full."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.estimated import estimated as estimated_by
from speciate.evaluator import Engine
from speciate.records import Individual, State
from speciate.session import run

ESTIMATE = """[strategy.estimate]
anchors = [0.25, 0.5]
models = 7
refit = 3
full = 0.25
error = 0.25
"""
ITEMS = {"choice": 12, "complete": 4}
TOTAL = sum(ITEMS.values())


def campaign(folder: Path, zoo: Path, more: str = ESTIMATE) -> Path:
    """Children of few items, most of them mutants that are far worse than their parents."""
    models = [f"{zoo}/models/{name}" for name in ("english", "library", "tests")]
    lines = [
        f'name = "small"\nseed = 1\n[founders]\nmodels = {models}',
        '[engine]\ntype = "transformers"\n[cluster]\nworkers = 0\n[store]\ndtype = "float32"',
        '[strategy]\ntype = "steady_state"\npopulation = 3\nevaluations = 18\nlag = 3',
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


def turned_away(archive: Archive) -> list[Individual]:
    return [one for one in archive.individuals.values() if one.evaluation is None]


def told(archive: Archive) -> list[dict[str, Any]]:
    return [line for line in archive.telemetry.read() if "estimated" in line]


def below(line: dict[str, Any]) -> bool:
    """Whether a candidate is too far below its bar by any estimate."""
    pairs = zip(line["estimates"], line["margins"], strict=True)
    return any(value + (margin or 1.0) < line["reach"] for value, margin in pairs)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, zoo: Path) -> Path:
    return campaign(tmp_path_factory.mktemp("estimate"), zoo)


@pytest.fixture(scope="module")
def estimated(small: Path, transformers: Engine) -> Archive:
    run(small, small.parent / "out", start=lambda *_: transformers)
    return Archive.open(small.parent / "out")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Archive:
    path = campaign(tmp_path_factory.mktemp("plain"), zoo, more="")
    run(path, path.parent / "out", start=lambda *_: transformers)
    return Archive.open(path.parent / "out")


def test_those_turned_away_are_recorded_with_whom_they_cannot_reach(estimated: Archive) -> None:
    away = turned_away(estimated)
    assert away
    for one in away:
        assert one.digest
        words = str(one.error).split()
        assert words[:2] == ["estimate:", "by"]
        assert words[2] in ("4", "8")
        assert words[3:-1] == ["of", "16", "items", "it", "cannot", "reach"]
        assert estimated.individuals[estimated.resolve(words[-1])].evaluation
    assert not estimated.fsck()


def test_the_others_have_the_scores_of_a_campaign_without_estimates(
    estimated: Archive, plain: Archive
) -> None:
    same = [one for name, one in estimated.individuals.items() if name in plain.individuals]
    scored = [one for one in same if one.evaluation]
    assert len(scored) > 8
    for one in scored:
        assert one.evaluation == plain.individuals[one.id].evaluation


def test_until_enough_is_known_and_who_is_drawn_is_scored_in_full(estimated: Archive) -> None:
    early = [one for one in estimated.individuals.values() if one.step < 6]
    assert all(one.evaluation for one in early)
    lines = told(estimated)
    assert lines
    assert {one.id for one in early}.isdisjoint(line["estimated"] for line in lines)
    drawn = [line for line in lines if line["drawn"]]
    assert any(map(below, drawn))
    assert all("fitness" in line and not line["turned_away"] for line in drawn)
    for line in lines:
        if "fitness" in line and not line["drawn"]:
            assert not below(line)
    assert sum(line["turned_away"] for line in lines) == len(turned_away(estimated))


def test_status_tells_what_was_saved_and_how_good_estimates_were(
    estimated: Archive, small: Path, cli: Any
) -> None:
    folder, lines = small.parent / "out", told(estimated)
    found = json.loads(cli("status", folder, "--json").out)["estimated"]
    away = turned_away(estimated)
    assert (found["candidates"], found["turned_away"]) == (len(lines), len(away))
    saved = sum(TOTAL - int(str(one.error).split()[2]) for one in away)
    assert found["saved"] == saved / (TOTAL * (3 + 18))
    drawn = [line for line in lines if line["drawn"]]
    off = [abs(line["fitness"] - line["estimates"][1]) for line in drawn]
    assert found["drawn"] == len(drawn)
    assert found["error"][1] == pytest.approx(sum(off) / len(off))
    good = [line for line in drawn if line["fitness"] >= line["reach"]]
    assert (found["good"], found["missed"]) == (len(good), sum(map(below, good)))
    text = " ".join(cli("status", folder).out.split())
    assert f"{len(lines)} estimated, {len(away) / len(lines):.0%} turned away, " in text
    assert f"{len(drawn)} of them scored in full to check: off by " in text


def test_status_says_nothing_of_estimates_where_there_are_none(
    plain: Archive,
) -> None:
    assert estimated_by(plain.telemetry.read()) is None


def test_stopped_with_a_fit_pending_and_scores_at_hand_it_is_the_same(
    small: Path, estimated: Archive, transformers: Engine
) -> None:
    class StopHere(Exception):  # noqa: N818
        pass

    class Stopper:
        def candidate(self, done: int, total: int) -> None: ...

        def engine(self, *_: object) -> None: ...

        def note(self, text: str) -> None: ...

        def step(self, state: State, *_: object) -> None:
            if state.step == 10:
                # Of two fits, both older than the archive is by now.
                assert {proposal.fit for proposal in state.pending} == {6, 9}
                raise StopHere

    out = small.parent / "stopped"
    with pytest.raises(StopHere):
        run(small, out, view_for=lambda *_: Stopper(), start=lambda *_: transformers)
    shutil.copytree(small.parent / "out" / "evaluations", out / "evaluations", dirs_exist_ok=True)
    run(small, out, start=lambda *_: transformers)
    assert Archive.open(out).head == estimated.head


def test_combined_with_a_race(tmp_path: Path, zoo: Path, transformers: Engine) -> None:
    """Estimates come first; who passes them may be dropped still, but not who is drawn."""
    more = f"race = {{ error = 0.3, chunk = 4 }}\n{ESTIMATE.replace('models = 7', 'models = 5')}"
    path = campaign(tmp_path, zoo, more)
    run(path, tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    reasons = {str(one.error).split()[0] for one in turned_away(archive)}
    assert reasons == {"estimate:", "dropped"}
    assert all("fitness" in line for line in told(archive) if line["drawn"])


@pytest.mark.nightly
def test_two_workers_make_the_same_archive(small: Path, estimated: Archive) -> None:
    out = small.parent / "workers"
    run(small, out, ["cluster.workers=2"])
    assert Archive.open(out).head == estimated.head


def test_a_task_that_cannot_be_estimated_is_named_before_anything_is_started(bench: Any) -> None:
    path = bench.campaign(strategy="")
    text = path.read_text()
    path.write_text(text.replace('type = "genome"', 'type = "steady_state"\nestimate = {}'))
    assert bench.refused_run(path) == (
        "task 't' cannot be estimated: likelihood gives items no values between 0 and 1 whose mean "
        "is the fitness; leave out strategy.estimate, or set the task's weight = 0"
    )


def test_too_few_items_are_refused(bench: Any) -> None:
    items = [{"prompt": str(n), "choices": ["a", "b"], "answer": 1} for n in range(9)]
    path = bench.campaign(strategy="", task=bench.task(*items, kind="multiple_choice"))
    text = path.read_text()
    path.write_text(text.replace('type = "genome"', 'type = "steady_state"\nestimate = {}'))
    assert bench.refused_run(path) == (
        "strategy.estimate: 9 search items are too few to fit; give 10 or more, or leave it out"
    )
