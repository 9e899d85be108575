"""What people are told of agents while a campaign runs: each kind of news now and then."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from speciate.counsel.journal import Answer
from speciate.review.visible import visible

_SECONDS = 60.0


class Telling:
    """Says what agents do, and says nothing again within a minute."""

    def __init__(
        self,
        note: Callable[[str], None],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes who is to be told, and the campaign's folder."""
        self._note, self._folder, self._clock = note, folder, clock
        self._told: dict[str, float] = {}

    def asks(self, endpoints: Collection[str]) -> None:
        """Questions are under way, one for each of `endpoints`."""
        if endpoints:
            names = ", ".join(sorted(set(endpoints)))
            many = f"{len(endpoints)} question{'s' * (len(endpoints) > 1)}"
            self._say("asks", f"asking agents: {many} to {names}")

    def rests(self, endpoint: str, until: int, answer: Answer) -> None:
        """An endpoint is left alone, because of an answer that was none."""
        said = f"no answer from endpoint '{endpoint}', which rests until step {until}"
        self._say(f"rests {endpoint}", f"{said}: {answer.error}")

    def waits(self) -> None:
        """A proposal was put before people."""
        self._say("waits", f"proposals wait for you: speciate review list {self._folder}")

    def _say(self, kind: str, line: str) -> None:
        now = self._clock()
        if kind not in self._told or now - self._told[kind] >= _SECONDS:
            self._told[kind] = now
            self._note(visible(line))
