"""The numbers of each step by name, for writers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from speciate.evaluator.metered import Work
from speciate.records import Individual, State
from speciate.watch import Meter, Snapshot


class Sink(Protocol):
    """Writes numbers for a program that draws them; may raise whatever its library does."""

    name: str

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """The numbers of one more step."""

    def close(self, finished: bool) -> None:
        """No more will come: the campaign is finished, or only stopped."""


class Tracker:
    """Implements `View` for sinks; one that fails is left out from then on."""

    def __init__(
        self,
        meter: Meter,
        higher_is_better: Mapping[str, bool],
        sinks: Sequence[Sink],
        dropped: Callable[[str, Exception], None],
    ) -> None:
        """Tells `dropped` of a sink that is left out, and why."""
        self._meter, self._higher, self._dropped = meter, higher_is_better, dropped
        self._sinks = list(sinks)
        self._best: dict[str, float] = {}
        self._work, self._spent, self._busy = Work(), Work(), 0.0

    def candidate(self, done: int, total: int) -> None:
        """See `Watch.candidate`."""
        self._meter.count()

    def engine(self, work: Work, busy: float) -> None:
        """See `View.engine`."""
        self._spent, self._work, self._busy = work - self._work, replace(work), busy

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """See `Watch.step`."""
        # Later only the born can be better; to look at everybody each time would take longer and
        # longer.
        self._see(born if self._best else known.values())
        values = self._values(self._meter.snapshot(state, born, known))
        self._each(lambda sink: sink.write(state.step, values))

    def note(self, text: str) -> None:
        """See `View.note`; programs that draw numbers have no place for it."""

    def close(self, finished: bool) -> None:
        """No more steps come."""
        self._each(lambda sink: sink.close(finished))

    def _see(self, individuals: Iterable[Individual]) -> None:
        """Keeps the best score of each task, in its metric."""
        for one in individuals:
            for task, score in (one.evaluation.scores if one.evaluation else {}).items():
                choose = max if self._higher[task] else min
                value = score.value
                self._best[task] = choose(value, self._best.get(task, value))

    def _values(self, now: Snapshot) -> dict[str, float]:
        values = {
            "fitness/best": now.best,
            "fitness/mean": now.mean,
            "population/diversity": now.diversity,
            "population/born": now.born,
            "population/failed": now.failed,
            "speed/evaluations_per_s": now.rate,
            "speed/busy": self._busy,
        }
        # No engine did anything if all scores of a step were known from before.
        if self._spent.tokens:
            values["speed/tokens_per_s"] = self._spent.rate
        if self._spent.swaps:
            values["speed/swap_s"] = self._spent.swap
        return values | {f"best/{task}": value for task, value in sorted(self._best.items())}

    def _each(self, act: Callable[[Sink], None]) -> None:
        for sink in tuple(self._sinks):
            try:
                act(sink)
            except Exception as error:  # Whatever it is, the campaign is worth more.
                self._sinks.remove(sink)
                self._dropped(sink.name, error)
