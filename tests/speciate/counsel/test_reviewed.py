"""Campaigns in which people decide what agents may breed, on the real command line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Draft
from speciate.evaluator import Engine
from speciate.records import FOUNDER, Individual, State
from speciate.session import run

Write = Callable[..., Path]
AGENTS = 'choice.explore = 1.0\nreview.recipe.mode = "review"'
LONG = ["strategy.evaluations=12", "strategy.population=2"]


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def path(campaign: Write, agents: Any) -> Path:
    """A campaign whose agents' recipes and operators all wait."""
    return campaign(agents.url, agents=AGENTS, endpoint='roles = ["breeder", "coder"]')


@pytest.fixture
def out(path: Path, stopped: Callable[..., None], tmp_path: Path) -> Path:
    """Its folder, after some steps."""
    stopped(3, path, tmp_path / "out", assignments=LONG)
    return tmp_path / "out"


def waiting(out: Path, kind: str) -> list[Draft]:
    return [one for one in Archive.open(out).drafts.waiting().values() if one.kind == kind]


def dead(archive: Archive) -> Individual:
    """Somebody whose weights are no longer there."""
    assert isinstance(archive.state, State)
    gone = (
        one
        for one in archive.individuals.values()
        if one.digest and archive.weights.path(one.digest) is None
        if one.recipe.operator != FOUNDER
    )
    return next(one for one in gone if one.id not in archive.state.members)


def edited(draft: Draft, parent: Individual, file: Path) -> Path:
    """The recipe of a draft with another parent."""
    parents = [{"id": name, "role": "model"} for name in ("library", parent.id[:12])]
    recipe = {"operator": "linear", "seed": draft.recipe.seed, "parents": parents}
    file.write_text(json.dumps({**recipe, "parameters": {"weights": [0.75, 0.25]}}))
    return file


def test_what_people_decide_is_what_happens(
    out: Path, path: Path, agents: Any, reviewer: str, cli: Any, transformers: Engine
) -> None:
    code, (rejected, changed, *_) = waiting(out, "code")[0], waiting(out, "recipe")
    gone = dead(Archive.open(out))
    # Nothing is bred before somebody decides.
    assert not any(one.origin for one in Archive.open(out).individuals.values())
    ref = f"refs/proposals/{code.number:06d}"
    assert git(out, "show", f"{ref}:operator.py") == code.recipe.parameters["source"]
    assert json.loads(git(out, "show", f"{ref}:trials.json"))["cases"] > 0
    listed = json.loads(cli("review", "list", out, "--json").out)
    assert {one["number"] for one in listed} >= {one.number for one in (code, rejected, changed)}
    assert "def merge" in cli("review", "show", out, code.number).out
    file = edited(changed, gone, out.parent / "edited.json")
    for words in (
        ("approve", out, code.number),
        ("reject", out, rejected.number, "--reason", "headers do not belong there"),
        ("edit", out, changed.number, "--file", file),
    ):
        assert cli("review", *words).status == 0
    before = len(agents.asked)
    run(path, out, LONG, start=lambda *_: transformers)

    archive = Archive.open(out)
    decision = archive.drafts.decision(changed.number)
    assert decision
    assert decision.recipe
    known = archive.individuals
    assert rejected.recipe.id not in known
    assert changed.recipe.id not in known
    assert gone.id in decision.recipe.with_role("model")
    bred = [known[code.recipe.id], known[decision.recipe.id]]
    for one in bred:
        assert one.evaluation
        assert one.origin
        message = git(out, "log", "-1", "--format=%B", archive.commit_of(one.id))
        assert f"\nReviewed-by: {reviewer}\n" in message
        assert f"\nTalk: {one.origin.talk}\n" in message
        talks = out / "agents" / "journal" / "talks"
        assert (talks / one.origin.talk[:2] / f"{one.origin.talk}.json").is_file()
    # Nothing else of agents was bred, and they were told why.
    assert {one.id for one in known.values() if one.origin} == {one.id for one in bred}
    told = [json.dumps(body["messages"]) for body in agents.asked]
    assert not any("headers do not belong there" in one for one in told[:before])
    assert any("headers do not belong there" in one for one in told[before:])
    assert cli("verify", out, *(one.id for one in bred)).status == 0
    assert cli("fsck", out).status == 0

    again = out.parent / "again"
    run(path, again, LONG, start=lambda *_: transformers, replay=out)
    assert Archive.open(again).head == archive.head
