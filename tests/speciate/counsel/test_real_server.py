"""A campaign whose agents are a real vLLM server with a model that knows nothing."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.session import run

pytestmark = pytest.mark.nightly

ROLES = 'roles = ["breeder", "coder", "critic", "improver"]'
ENDPOINT = f"temperature = 1.0\nmax_tokens = 1024\ntimeout_s = 300\n{ROLES}"
AGENTS = "choice.explore = 1.0\nimprovement = 2\ninsights = 2\ntries = 2"
LONG = ["strategy.evaluations=12", "strategy.population=3"]


def answers(out: Path) -> list[dict[str, Any]]:
    """All that agents answered, in order."""
    entries = [json.loads(file.read_text()) for file in sorted(out.glob("agents/journal/*.json"))]
    return [answer for entry in entries for answer in entry["answers"]]


def git(out: Path, *words: str) -> str:
    command = ["git", "-C", str(out), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def decide(numbers: Sequence[int], out: Path, cli: Any) -> None:
    """Rejects the first, changes the second, and approves all others."""
    first, second, *others = numbers
    assert cli("review", "reject", out, first, "--reason", "no").status == 0
    recipe = Archive.open(out).drafts.get(second).recipe
    file = out.parent / "edited.json"
    file.write_text(json.dumps(recipe.to_json() | {"seed": 1}))
    assert cli("review", "edit", out, second, "--file", file).status == 0
    for number in others:
        assert "breeder@local" in cli("review", "show", out, number).out
    assert cli("review", "approve", out, *others).status == 0


@pytest.mark.parametrize("mode", ["auto", "review"])
def test_a_model_that_knows_nothing_takes_part(
    mode: str,
    vllm_server: str,
    campaign: Callable[..., Path],
    stopped: Callable[..., None],
    transformers: Engine,
    reviewer: str,
    cli: Any,
    tmp_path: Path,
) -> None:
    agents = f'{AGENTS}\nreview.recipe.mode = "{mode}"'
    path = campaign(vllm_server, agents=agents, endpoint=ENDPOINT, model="tiny")
    out, again = tmp_path / "out", tmp_path / "again"
    stopped(3, path, out, assignments=LONG)
    waiting = json.loads(cli("review", "list", out, "--json").out)
    assert {one["kind"] for one in waiting} == ({"recipe"} if mode == "review" else set())
    if mode == "review":
        decide([one["number"] for one in waiting], out, cli)
    run(path, out, LONG, start=lambda *_: transformers)

    archive = Archive.open(out)
    theirs = [one for one in archive.individuals.values() if one.origin]
    assert theirs
    for one in theirs:
        assert one.origin
        assert one.proposer == "breeder@local"
        message = git(out, "log", "-1", "--format=%B", archive.commit_of(one.id))
        assert f"\nTalk: {one.origin.talk}\n" in message
        assert (f"\nReviewed-by: {reviewer}\n" in message) == (mode == "review")
    # Whoever was asked answered; that nobody can write code is no surprise, and costs nothing.
    found = answers(out)
    roles = {one["arm"].partition("@")[0] for one in found}
    assert {"breeder", "coder", "improver"} <= roles
    assert not any(one["silent"] for one in found), found
    assert [one for one in found if one["arm"].startswith("coder") and one["result"]] == []
    assert cli("verify", out, *(one.id for one in theirs)).status == 0
    assert cli("fsck", out).status == 0
    run(path, again, LONG, start=lambda *_: transformers, replay=out)
    assert Archive.open(again).head == archive.head
