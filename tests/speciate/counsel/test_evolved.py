"""Campaigns in which an agent writes operators, that run in real sandboxes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.session import run

Write = Callable[..., Path]
AGENTS = 'choice.explore = 1.0\ntries = 1\nreview.code.mode = "auto"'
LONG = ["strategy.evaluations=10"]


@pytest.mark.slow
def test_operators_of_agents_are_bred_rebuilt_and_replayed(
    campaign: Write,
    agents: Any,
    stopped: Callable[..., None],
    transformers: Engine,
    cli: Any,
    tmp_path: Path,
) -> None:
    path = campaign(agents.url, "", AGENTS, 'roles = ["coder"]')
    out, again = tmp_path / "out", tmp_path / "again"
    stopped(2, path, out, assignments=LONG)
    assert any(one.origin for one in Archive.open(out).individuals.values())
    run(path, out, LONG, start=lambda *_: transformers)
    archive = Archive.open(out)
    theirs = [one for one in archive.individuals.values() if one.origin]
    assert {one.recipe.operator for one in theirs} == {"evolved"}
    assert all(one.evaluation for one in theirs)
    arms = {one.origin.arm: one.id for one in theirs if one.origin}
    assert arms.keys() == {f"coder@local:{mode}" for mode in ("full", "diff", "cross")}
    # Rebuilt from the founders, with sandboxes of its own: weights have the recorded digests.
    said = cli("verify", out, *arms.values(), "--json")
    assert (said.status, json.loads(said.out)["problems"]) == (0, []), said
    asked = len(agents.asked)
    run(path, again, LONG, start=lambda *_: transformers, replay=out)
    assert len(agents.asked) == asked
    assert Archive.open(again).head == archive.head
