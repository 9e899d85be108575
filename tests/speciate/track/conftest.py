"""A small campaign that can be stopped on its way."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.evaluator.metered import Work
from speciate.records import Individual, State
from speciate.session import run


class Shown:
    """A view that keeps notes, and somebody who presses Ctrl-C twice, or acts, after a step."""

    def __init__(self, stop_after: int | None, act: Callable[[int], object]) -> None:
        self._stop_after, self._act, self._step = stop_after, act, -1
        self.notes: list[str] = []

    def candidate(self, done: int, total: int) -> None:
        if self._step == self._stop_after:
            raise KeyboardInterrupt

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        self._step = state.step
        self._act(state.step)

    def engine(self, work: Work, busy: float) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


Campaign = Callable[..., tuple[Archive, Shown]]


@pytest.fixture
def campaign(bench: Any, transformers: Engine) -> Campaign:
    """Runs a small campaign with more settings, or goes on with it."""
    path = bench.campaign(strategy="population = 2\ngenerations = 2")

    def go(
        out: Path,
        *settings: str,
        stop_after: int | None = None,
        act: Callable[[int], object] = lambda step: None,
    ) -> tuple[Archive, Shown]:
        shown = Shown(stop_after, act)
        try:
            run(path, out, settings, lambda _: shown, lambda *_: transformers)
        except KeyboardInterrupt:
            assert stop_after is not None
        return Archive.open(out), shown

    return go
