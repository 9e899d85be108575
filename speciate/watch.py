"""What a campaign tells while it runs: a live view on a terminal, plain lines elsewhere."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from speciate.evaluator.metered import Work
from speciate.output import duration
from speciate.records import Individual, State


class Telemetry(Protocol):
    """Where a `Recorder` writes."""

    def append(self, facts: Mapping[str, Any]) -> None:
        """One more line."""


class Watch(Protocol):
    """Told of progress; changes nothing."""

    def candidate(self, done: int, total: int) -> None:
        """One more candidate of the present step was evaluated."""

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """A step was archived."""


class View(Watch, Protocol):
    """Shows people how a campaign goes."""

    def engine(self, work: Work, busy: float) -> None:
        """What engines have done so far, and how much of the time; told before each step."""

    def note(self, text: str) -> None:
        """Something that people should know at once."""


@dataclass(frozen=True)
class Snapshot:
    """The numbers of one step.

    Attributes:
        rate: Evaluations a second.
        left: Seconds.
        stale: Children since the last new best, in a campaign that stops early.
    """

    step: int
    steps: int
    best: float
    mean: float
    diversity: float
    born: int
    failed: int
    rate: float
    left: float
    stale: int | None = None

    def line(self) -> str:
        """For logs."""
        stale = "" if self.stale is None else f", {self.stale} born since"
        return (
            f"step {self.step}/{self.steps}  best {self.best:.4f}{stale}  mean {self.mean:.4f}  "
            f"diversity {self.diversity:.4f}  born {self.born}  failed {self.failed}  "
            f"{self.rate:.2f} evaluations/s  about {duration(self.left)} left"
        )


def done(work: Work, busy: float) -> str:
    """Such as "5 swaps, 0.02 s each; 12,345 tokens/s; busy 97%; saved 43% of items"."""
    swaps = f"{work.swaps} swaps, {work.swap:.2f} s each"
    if work.batches:
        each = f"{work.swaps / work.batches:.1f} together"
        swaps = f"{work.swaps} adapters, {each}, {work.swap:.3f} s each"
    saved = f"; saved {work.spared:.0%} of items" if work.saved else ""
    return f"{swaps}; {work.rate:,.0f} tokens/s; busy {busy:.0%}{saved}"


def diversity(members: Sequence[Individual]) -> float:
    """Mean distance in behaviour: of per-item scores, in units of the metric, over all pairs."""
    vectors = [
        np.concatenate([score.items for _, score in sorted(member.evaluation.scores.items())])
        for member in members
        if member.evaluation
    ]
    pairs = list(itertools.combinations(vectors, 2))
    return float(np.mean([np.abs(a - b).mean() for a, b in pairs])) if pairs else 0.0


class Meter:
    """Makes snapshots out of what a campaign tells."""

    def __init__(self, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Counts from the first evaluation; `steps` is the number of steps in all."""
        self._steps, self._clock = steps, clock
        self._start, self._evaluations, self._first = 0.0, -1, -1
        self._best: float | None = None

    def count(self) -> None:
        """One more evaluation; the first one starts the clock, since the engine starts before."""
        self._evaluations += 1
        if self._evaluations == 0:
            self._start = self._clock()

    def snapshot(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> Snapshot:
        """The numbers after a step."""
        if self._first < 0:
            self._first = state.step - 1
        elapsed = self._clock() - self._start if self._evaluations >= 0 else 0.0
        done = state.step - self._first
        members = [known[name] for name in state.members]
        fitness = [member.fitness for member in members]
        return Snapshot(
            step=state.step,
            steps=self._steps,
            best=self._best_of(born, known),
            mean=float(np.mean(fitness)),
            diversity=diversity(members),
            born=len(born),
            failed=sum(one.evaluation is None for one in born),
            rate=max(0, self._evaluations) / elapsed if elapsed > 0 else 0.0,
            left=elapsed / done * max(0, self._steps - state.step),
            stale=state.stopping.get("children"),
        )

    def _best_of(self, born: Sequence[Individual], known: Mapping[str, Individual]) -> float:
        """The highest fitness; later only the born can be fitter, so that nobody else is read."""
        seen = [] if self._best is None else [self._best]
        others = born if seen else known.values()
        self._best = max([*seen, *(one.fitness for one in others if one.evaluation)])
        return self._best


class Recorder:
    """Writes each step's wall time to the telemetry, outside the hash, and tells a view."""

    def __init__(
        self, telemetry: Telemetry, work: Work, workers: int = 1, other: View | None = None
    ) -> None:
        """Counts seconds from now, and looks into the `work` of all workers after each step."""
        self._telemetry, self._work, self._workers, self._other = telemetry, work, workers, other
        self._began = self._last = time.monotonic()
        self._before = replace(work)

    def candidate(self, done: int, total: int) -> None:
        """See `Watch.candidate`."""
        if self._other:
            self._other.candidate(done, total)

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """See `Watch.step`."""
        now = time.monotonic()
        facts = {"step": state.step, "seconds": round(now - self._last, 3), "born": len(born)}
        self._telemetry.append(facts | self._done())
        self._last = now
        if self._other:
            busy = self._work.seconds / max((now - self._began) * self._workers, 1e-9)
            self._other.engine(self._work, min(busy, 1.0))
            self._other.step(state, born, known)

    def _done(self) -> dict[str, float]:
        """What engines did in this step."""
        now, before = asdict(self._work), asdict(self._before)
        self._before = replace(self._work)
        return {name: round(now[name] - before[name], 3) for name in now}


class PlainWatch:
    """One line a step, for logs and pipes."""

    def __init__(self, meter: Meter, console: Console) -> None:
        """Writes to `console`."""
        self._meter, self._console = meter, console
        self._engine = ""

    def candidate(self, done: int, total: int) -> None:
        """See `Watch.candidate`."""
        self._meter.count()

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """See `Watch.step`."""
        line = f"{self._meter.snapshot(state, born, known).line()}  {self._engine}".rstrip()
        self._console.print(line, highlight=False, soft_wrap=True)

    def engine(self, work: Work, busy: float) -> None:
        """See `View.engine`."""
        self._engine = done(work, busy)

    def note(self, text: str) -> None:
        """See `View.note`."""
        # It may quote strangers, whose brackets are no markup.
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class LiveWatch:
    """A table that is drawn again after each candidate."""

    def __init__(self, meter: Meter, live: Live) -> None:
        """Draws into `live`, which the caller has started."""
        self._meter, self._live = meter, live
        self._last: Snapshot | None = None
        self._done, self._total = 0, 1
        self._engine = ""

    def candidate(self, done: int, total: int) -> None:
        """See `Watch.candidate`."""
        self._meter.count()
        self._done, self._total = done, total
        self._live.update(self._drawn())

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """See `Watch.step`."""
        self._last = self._meter.snapshot(state, born, known)
        self._done = 0
        self._live.update(self._drawn())

    def engine(self, work: Work, busy: float) -> None:
        """See `View.engine`."""
        self._engine = done(work, busy)

    def note(self, text: str) -> None:
        """See `View.note`."""
        self._live.console.print(text, highlight=False, markup=False)

    def _drawn(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2), header_style="bold")
        names = ("step", "best", "mean", "diversity", "evaluations/s", "time left", "this step")
        for name in names:
            table.add_column(name, justify="right")
        last = self._last
        numbers = (
            (
                f"{last.step}/{last.steps}",
                f"{last.best:.4f}" + ("" if last.stale is None else f" ({last.stale} since)"),
                f"{last.mean:.4f}",
                f"{last.diversity:.4f}",
                f"{last.rate:.2f}",
                duration(last.left),
            )
            if last
            else ("0", *[""] * 5)
        )
        table.add_row(*numbers, f"{self._done}/{self._total}")
        steps = (last.steps, last.step) if last else (1, 0)
        bar = ProgressBar(total=steps[0], completed=steps[1])
        return Group(table, Text(f"  {self._engine}", style="dim"), bar)
