"""What writers are told, and what becomes of those that fail."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from speciate.evaluator.metered import Work
from speciate.records import Evaluation, Individual, Recipe, Score, State
from speciate.track.tracker import Tracker
from speciate.views import Views
from speciate.watch import Meter, PlainWatch


def individual(seed: int, right: float, bits: float) -> Individual:
    scores = {"quiz": Score("accuracy", (right,)), "prose": Score("bits/char", (bits,))}
    evaluation = Evaluation(right, scores, "e")
    return Individual(Recipe("linear", (), {}, seed), "0" * 64, 1, "test", "", evaluation)


FAILED = Individual(Recipe("linear", (), {}, 9), None, 1, "test", error="shapes differ")
DIRECTIONS = {"quiz": True, "prose": False}


class Scripted:
    """A sink that keeps what it is told, until it fails."""

    def __init__(self, name: str, fails_at: int = 99) -> None:
        self.name, self._fails_at = name, fails_at
        self.told: dict[int, Mapping[str, float]] = {}
        self.closed: bool | None = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        if step == self._fails_at:
            raise OSError(28, "No space left on device")
        self.told[step] = values

    def close(self, finished: bool) -> None:
        if self._fails_at == 0:
            raise RuntimeError
        self.closed = finished


def tracker_of(*sinks: Scripted) -> tuple[Tracker, list[Any]]:
    dropped: list[Any] = []
    meter = Meter(9, iter(range(100)).__next__)
    told = lambda name, error: dropped.append((name, str(error)))  # noqa: E731
    return Tracker(meter, DIRECTIONS, sinks, told), dropped


def tell(tracker: Tracker, step: int, born: Sequence[Individual], *others: Individual) -> None:
    known = {one.id: one for one in (*others, *born)}
    members = tuple(name for name, one in known.items() if one.evaluation)
    tracker.step(State(step, members=members), born, known)


def test_numbers_of_a_step() -> None:
    sink = Scripted("one")
    tracker, _ = tracker_of(sink)
    first, second = individual(0, 0.25, 2.0), individual(1, 0.75, 3.0)
    for done in range(3):
        tracker.candidate(done, 3)
    tracker.engine(Work(swaps=2, swap_seconds=1.0, tokens=100, token_seconds=2.0), 0.5)
    tell(tracker, 1, [first, second, FAILED])
    assert sink.told[1] == {
        "fitness/best": 0.75,
        "fitness/mean": 0.5,
        "population/diversity": 0.75,
        "population/born": 3,
        "population/failed": 1,
        "speed/evaluations_per_s": 2.0,
        "speed/busy": 0.5,
        "speed/tokens_per_s": 50.0,
        "speed/swap_s": 0.5,
        "best/prose": 2.0,
        "best/quiz": 0.75,
    }


def test_speed_is_that_of_the_step_and_the_best_that_ever_was() -> None:
    sink = Scripted("one")
    tracker, _ = tracker_of(sink)
    old, new = individual(0, 0.25, 2.0), individual(1, 0.75, 3.0)
    work = Work(swaps=2, swap_seconds=1.0, tokens=100, token_seconds=2.0)
    # A campaign that goes on: of those born before, only the archive tells.
    tracker.engine(work, 0.5)
    tell(tracker, 5, [], old)
    work.add(Work(swaps=1, swap_seconds=0.25, tokens=100, token_seconds=1.0))
    tracker.engine(work, 0.5)
    tell(tracker, 6, [new], old)
    tracker.engine(work, 0.5)
    tell(tracker, 7, [], old, new)
    assert [told["best/quiz"] for told in sink.told.values()] == [0.25, 0.75, 0.75]
    assert [told["best/prose"] for told in sink.told.values()] == [2.0, 2.0, 2.0]
    assert (sink.told[6]["speed/tokens_per_s"], sink.told[6]["speed/swap_s"]) == (100.0, 0.25)
    # Nothing was done: there is no speed, rather than one of zero.
    assert not {"speed/tokens_per_s", "speed/swap_s"} & sink.told[7].keys()


def test_who_fails_is_told_of_once_and_left_out() -> None:
    full, good, bad_end = Scripted("full", 2), Scripted("good"), Scripted("bad end", 0)
    tracker, dropped = tracker_of(full, good, bad_end)
    for step in (1, 2, 3):
        tell(tracker, step, [individual(step, 0.5, 1.0)])
    tracker.close(finished=True)
    assert (list(full.told), full.closed) == ([1], None)
    assert (list(good.told), good.closed) == ([1, 2, 3], True)
    assert dropped == [("full", "[Errno 28] No space left on device"), ("bad end", "")]


def test_several_views_are_told_the_same() -> None:
    text, sink = io.StringIO(), Scripted("one")
    shown = PlainWatch(Meter(9, iter(range(100)).__next__), Console(file=text, width=200))
    tracker, _ = tracker_of(sink)
    views, one = Views([shown, tracker]), individual(0, 0.5, 1.0)
    views.candidate(1, 1)
    views.engine(Work(swaps=1, tokens=10, token_seconds=1.0), 1.0)
    views.step(State(1, members=(one.id,)), [one], {one.id: one})
    views.note("stopping")
    first, last = text.getvalue().splitlines()
    assert first.startswith("step 1/9  best 0.5000")
    assert last == "stopping"
    assert sink.told[1]["speed/tokens_per_s"] == 10.0
