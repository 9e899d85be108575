"""What goes is told before and after, and what a campaign needs stays."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.lock import CampaignLock
from speciate.health import examine
from speciate.verify import verify

Gc = Callable[..., dict[str, Any]]


@pytest.fixture
def gc(cli: Any) -> Gc:
    def run(folder: Path, *options: str) -> dict[str, Any]:
        said = cli("gc", folder, *options, "--json")
        assert (said.status, said.err) == (0, "")
        found: dict[str, Any] = json.loads(said.out)
        return found | {one["what"]: one["count"] for one in found["kinds"]}

    return run


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if "index.sqlite" not in path.name)


def stored(folder: Path) -> frozenset[str]:
    return Archive.open(folder).weights.digests()


@pytest.mark.parametrize("keep", ["champions", "none"])
def test_weights_go_by_policy(keep: str, evolved: Path, gc: Gc) -> None:
    archive = Archive.open(evolved)
    before, there = files(evolved), stored(evolved)
    would = gc(evolved, "--keep", keep, "--dry-run")
    assert files(evolved) == before
    went = gc(evolved, "--keep", keep)
    assert went["kinds"] == would["kinds"]
    left = stored(evolved)
    assert went["models"] == len(there) - len(left) > 0
    champion = archive.index.row(archive.report["champion"])  # type: ignore[index]
    assert left == ({champion.digest} if keep == "champions" else set())
    assert went["freed"] > 0
    assert verify(archive, [champion.id], lambda _: None) == []
    assert examine(evolved) == []


def test_what_the_campaign_says_was_done_while_it_ran(evolved: Path, gc: Gc) -> None:
    there = stored(evolved)
    gc(evolved)
    assert stored(evolved) == there
    assert gc(evolved)["kinds"] == []


def test_scores_of_nobody_go_and_all_others_stay(evolved: Path, gc: Gc) -> None:
    nobody = evolved / "evaluations" / "ab" / f"ab{'0' * 62}.json"
    nobody.parent.mkdir(exist_ok=True)
    scores = set((evolved / "evaluations").rglob("*.json"))
    nobody.write_text('{"metric": "accuracy", "items": [1.0]}')
    assert gc(evolved)["scores of nobody"] == 1
    assert set((evolved / "evaluations").rglob("*.json")) == scores


def test_weights_of_nobody_and_leftovers_go(evolved: Path, gc: Gc) -> None:
    (evolved / "weights" / ("0" * 64)).mkdir()
    (evolved / "weights" / ".trash-12").mkdir()
    found = gc(evolved, "--keep", "all")
    assert (found["models"], found["leftovers"]) == (1, 1)


def test_a_running_campaign_is_not_touched(evolved: Path, cli: Any, gc: Gc) -> None:
    lock = CampaignLock.take(evolved)
    try:
        said = cli("gc", evolved, "--keep", "none")
        assert gc(evolved, "--keep", "none", "--dry-run")["models"] > 0
    finally:
        lock.release()
    assert said.status == 2
    assert "is run by process" in said.err
    assert stored(evolved)


def test_people_are_told_sizes(evolved: Path, cli: Any) -> None:
    assert "would go" in cli("gc", evolved, "--keep", "none", "--dry-run").out
    assert "freed " in cli("gc", evolved, "--keep", "none").out
    assert cli("gc", evolved).out == "nothing to remove\n"
    assert cli("gc", evolved, "--keep", "some").status == 2
