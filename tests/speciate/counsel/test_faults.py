"""A campaign in which something else is wrong with the endpoint each time that it is asked."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.records import FOUNDER, State
from speciate.session import run

Write = Callable[..., Path]
# The agent is asked about every other time, whatever it gained.
AGENTS = "choice.explore = 0.5\nchoice.allowance = 1000\ntries = 2"
LONG = ["strategy.evaluations=28", "strategy.batch=1"]


class Seen(NamedTuple):
    """What came of asking while there was this fault."""

    step: int
    answers: Sequence[dict[str, Any]]
    agents: dict[str, Any]

    @property
    def resting(self) -> dict[str, int] | None:
        found: dict[str, int] | None = self.agents.get("resting", {}).get("local")
        return found

    @property
    def error(self) -> str:
        """The same for all."""
        (found,) = {one["error"] for one in self.answers}
        return str(found)

    @property
    def silent(self) -> bool:
        (found,) = {one["silent"] for one in self.answers}
        return bool(found)


class Trouble:
    """A view that goes from fault to fault, each as soon as the one before was met."""

    def __init__(self, server: Any, said: Any, out: Path, faults: Sequence[str]) -> None:
        self._server, self._said, self._out, self._faults = server, said, out, [*faults]
        self._fine, self.seen = server.rule, dict[str, Seen]()
        self._begin()

    def step(self, state: State, *_: Any) -> None:
        entry = self._out / "agents" / "journal" / f"{state.step - 1:06}.json"
        answers = json.loads(entry.read_bytes())["answers"] if entry.exists() else ()
        if not answers:
            return
        self._end()
        self.seen[self._faults.pop(0)] = Seen(state.step - 1, answers, dict(state.agents))
        if not self._faults:
            raise KeyboardInterrupt
        self._begin()

    def _begin(self) -> None:
        if self._faults[0] == "down":
            self._server.close()
        replies = {
            "slow": {"wait_s": 1.0},
            "nonsense": {"body": "{"},
            "refused": {"status": 400},
            "broken": {"status": 500},
        }
        if reply := replies.get(self._faults[0]):
            self._server.rule = lambda _: self._said(**{"body": "no", **reply})

    def _end(self) -> None:
        if self._faults[0] == "down":
            self._server.open_again()
        self._server.rule = self._fine

    def candidate(self, *_: Any) -> None: ...
    def engine(self, *_: Any) -> None: ...
    def note(self, *_: Any) -> None: ...


@pytest.mark.nightly
def test_a_campaign_outlives_all_that_may_happen_to_an_endpoint(
    campaign: Write, agents: Any, said: Any, transformers: Engine, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", dict[str, Seen]()

    def until(more: str, *faults: str) -> None:
        trouble = Trouble(agents, said, out, faults)
        path = campaign(agents.url, agents=f"{AGENTS}\n{more}")
        with pytest.raises(KeyboardInterrupt):
            run(path, out, LONG, lambda _: trouble, lambda *_: transformers)
        seen.update(trouble.seen)

    until("", "down", "up")
    until("patience_s = 0.2", "slow")
    until("", "nonsense", "refused", "broken")
    until("budget = { calls = 0 }", "over budget")
    run(campaign(agents.url, agents=AGENTS), out, LONG, start=lambda *_: transformers)

    silent = ("down", "slow", "broken")
    assert [fault for fault, one in seen.items() if one.silent] == [*silent]
    assert "cannot be reached" in seen["down"].error
    assert all(one["result"] and not one["error"] for one in seen["up"].answers)
    assert seen["slow"].error == "no answer within 0.2 s"
    assert "no usable reply in 2 tries" in seen["nonsense"].error
    assert "answers 400" in seen["refused"].error
    assert "answers 500" in seen["broken"].error
    assert "budget of 0 calls for language models is spent" in seen["over budget"].error
    # Whoever is silent is left alone for a while, for longer if it happens again.
    for fault in silent:
        assert seen[fault].resting == {"times": 1, "until": seen[fault].step + 2}
    # A spent budget says nothing of the endpoint.
    assert seen["over budget"].resting == seen["broken"].resting
    assert seen["up"].resting is None
    assert seen["nonsense"].resting is seen["refused"].resting is None
    steps = {one.step for one in seen.values()}
    for fault in silent:
        assert not steps & {seen[fault].step + 1}
    # Only what was answered tells of the prompt.
    refusals = seen["over budget"].agents["refusals"]["breeder"]
    assert set(refusals) == {seen["nonsense"].error}

    archive = Archive.open(out)
    assert archive.report
    assert archive.state
    assert "resting" not in archive.state.agents, "it answered in the end"
    ours = ("founder", "baseline")
    born = [one for one in archive.individuals.values() if one.recipe.operator != FOUNDER]
    assert len([one for one in born if one.proposer not in ours]) == 28
    assert any(one.origin for one in born)
    path = campaign(agents.url, agents=AGENTS)
    run(path, tmp_path / "again", LONG, start=lambda *_: transformers, replay=out)
    assert Archive.open(tmp_path / "again").head == archive.head
