"""Campaigns in which agents take part, with replies that a script makes up."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.errors import UsageError
from speciate.evaluator import Engine
from speciate.records import FOUNDER, Individual
from speciate.session import run

Write = Callable[..., Path]


def children(archive: Archive) -> list[Individual]:
    """All that were proposed."""
    ours = ("founder", "baseline")
    return [
        one
        for one in archive.individuals.values()
        if one.recipe.operator != FOUNDER and one.proposer not in ours
    ]


def by_agents(archive: Archive) -> list[Individual]:
    return [one for one in archive.individuals.values() if one.origin]


@pytest.fixture
def done(campaign: Write, averaging: Any, transformers: Engine, tmp_path: Path) -> Archive:
    """A finished campaign in which an agent took part."""
    run(campaign(averaging.url), tmp_path / "out", start=lambda *_: transformers)
    return Archive.open(tmp_path / "out")


def test_proposals_of_agents_are_born_with_where_they_come_from(done: Archive) -> None:
    theirs = by_agents(done)
    assert 1 <= len(theirs) <= 8
    for one in theirs:
        assert (one.proposer, one.reason) == ("breeder@local", "because")
        assert one.origin
        assert one.origin.arm == "breeder@local:averaging"
        assert one.origin.prediction == 0.5
        talks = done.folder / "agents" / "journal" / "talks" / one.origin.talk[:2]
        assert "Propose one new model" in (talks / f"{one.origin.talk}.json").read_text()
    assert done.state
    arms = done.state.agents["calibration"]["arms"]
    assert arms["breeder@local:averaging"]["count"] == len(theirs)
    assert "slots" not in done.state.agents  # Everybody was told what came of it.


def test_a_replay_asks_nobody_and_has_the_same_hash(
    done: Archive, campaign: Write, averaging: Any, transformers: Engine, tmp_path: Path
) -> None:
    path, asked = campaign(averaging.url), len(averaging.asked)
    run(path, tmp_path / "again", start=lambda *_: transformers, replay=done.folder)
    assert len(averaging.asked) == asked
    again = Archive.open(tmp_path / "again")
    assert again.head == done.head
    # What was replayed can be replayed.
    run(path, tmp_path / "third", start=lambda *_: transformers, replay=again.folder)
    assert Archive.open(tmp_path / "third").head == done.head


def test_a_replay_that_has_no_answers_is_refused(
    campaign: Write, averaging: Any, transformers: Engine, tmp_path: Path, done: Archive
) -> None:
    path = campaign(averaging.url)
    with pytest.raises(UsageError, match="has no journal of agents"):
        run(path, tmp_path / "x", start=lambda *_: transformers, replay=tmp_path / "none")
    assert not (tmp_path / "x").exists()
    last = max((done.folder / "agents" / "journal").glob("*.json"))
    last.unlink()
    with pytest.raises(UsageError, match="ends before step"):
        run(path, tmp_path / "y", start=lambda *_: transformers, replay=done.folder)


def test_a_campaign_that_was_stopped_asks_nothing_twice(
    done: Archive,
    campaign: Write,
    averaging: Any,
    transformers: Engine,
    stopped: Callable[..., None],
    tmp_path: Path,
) -> None:
    """What the agent says depends on how often it was asked: a repeated question would show."""
    path, out, step = campaign(averaging.url), tmp_path / "stopped", 3
    stopped(step, path, out, replay=done.folder)
    # The answers of the step that was begun are kept, though no step was archived with them.
    entries = sorted((done.folder / "agents" / "journal").glob("*.json"))
    shutil.copy(entries[step], out / "agents" / "journal")
    asked = len(averaging.asked)
    run(path, out, start=lambda *_: transformers, replay=done.folder)
    assert len(averaging.asked) == asked
    assert Archive.open(out).head == done.head


FAULTS = {
    "is broken": {"status": 500},
    "talks nonsense": {"body": "{"},
    "is slow": {"wait_s": 1.5},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_endpoint_that_fails_costs_no_evaluation(
    fault: str, campaign: Write, chat_server: Any, said: Any, transformers: Engine, tmp_path: Path
) -> None:
    chat_server.rule = lambda _: said(**{"body": "no", **FAULTS[fault]})
    path = campaign(chat_server.url, agents="patience_s = 0.5\ntries = 2")
    run(path, tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    assert archive.report
    assert len(children(archive)) == 8
    assert not by_agents(archive)
    entries = (tmp_path / "out" / "agents" / "journal").glob("*.json")
    answers = [one for entry in entries for one in json.loads(entry.read_text())["answers"]]
    assert answers
    assert all(one["error"] and one["result"] is None for one in answers)


def test_nobody_listens(campaign: Write, transformers: Engine, tmp_path: Path) -> None:
    run(campaign("http://127.0.0.1:9/v1"), tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    assert len(children(archive)) == 8
    assert archive.state
    assert archive.state.agents["resting"]["local"]["times"] >= 1


def test_a_budget_ends_the_asking_but_not_the_campaign(
    campaign: Write, averaging: Any, transformers: Engine, tmp_path: Path
) -> None:
    path = campaign(averaging.url, agents="budget = { calls = 1 }")
    run(path, tmp_path / "out", start=lambda *_: transformers)
    assert len(averaging.asked) == 1
    archive = Archive.open(tmp_path / "out")
    assert len(by_agents(archive)) == 1
    assert len(children(archive)) == 8


def test_prompts_hold_neither_keys_nor_items_nor_test_scores(
    campaign: Write,
    averaging: Any,
    transformers: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AGENT_KEY", "sk-canary-0123456789")
    path = campaign(averaging.url, endpoint='api_key_env = "AGENT_KEY"')
    run(path, tmp_path / "out", start=lambda *_: transformers)
    texts = [(tmp_path / f"{split}.jsonl").read_text() for split in ("search", "test")]
    items = [json.loads(line)["text"] for text in texts for line in text.splitlines()]
    report = Archive.open(tmp_path / "out").report
    assert report
    asked = [json.dumps(body) for body in averaging.asked]
    assert asked
    for body in asked:
        assert "sk-canary" not in body
        assert str(tmp_path) not in body
        for item in items:
            assert json.dumps(item)[1:40] not in body
    assert all("Bearer sk-canary-0123456789" in one["authorization"] for one in averaging.headers)
    kept = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not [file for file in kept if b"sk-canary" in file.read_bytes()]
