"""What an engine does while a campaign runs, counted for people; nothing depends on it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from speciate.evaluator import Engine, Sampling, Tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass
class Work:
    """Sums over some time, of one engine or of several.

    Attributes:
        swaps: Models loaded, or adapters.
        swap_seconds: That loading them took.
        tokens: Scored or read as prompts, and written.
        token_seconds: That scoring, reading and writing took.
        seconds: That there was something to do, breeding included.
        items: Asked, that were not scored before.
        saved: That need not be asked, of candidates that were turned away before.
        batches: Of adapters that were loaded together.
    """

    swaps: int = 0
    swap_seconds: float = 0.0
    tokens: int = 0
    token_seconds: float = 0.0
    seconds: float = 0.0
    items: int = 0
    saved: int = 0
    batches: int = 0

    def add(self, other: "Work") -> None:
        """Counts what another engine did, too."""
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))

    def __sub__(self, before: "Work") -> "Work":
        """What was done since."""
        names = [part.name for part in fields(self)]
        return Work(**{name: getattr(self, name) - getattr(before, name) for name in names})

    @property
    def rate(self) -> float:
        """Tokens a second, while there was something to do."""
        return self.tokens / self.token_seconds if self.token_seconds > 0 else 0.0

    @property
    def spared(self) -> float:
        """Share of the items that need not be asked."""
        return self.saved / (self.items + self.saved) if self.saved else 0.0

    @property
    def swap(self) -> float:
        """Seconds a swap."""
        return self.swap_seconds / self.swaps if self.swaps else 0.0


class MeteredEngine:
    """Implements `Engine` by another one, and counts what it does."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.perf_counter) -> None:
        """Takes an engine that was started."""
        self._engine, self._clock = engine, clock
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.work = Work()

    def load(self, model: Path) -> None:
        """See `Engine.load`."""
        with self._swapping():
            self._engine.load(model)

    def load_tensors(self, tensors: "Iterable[tuple[str, Tensor]]") -> None:
        """See `Engine.load_tensors`; the time in which the stream computes them is counted, too."""
        with self._swapping():
            self._engine.load_tensors(tensors)

    def load_adapters(self, adapters: Sequence[Path | None]) -> None:
        """See `Engine.load_adapters`."""
        with self._swapping(len(adapters)):
            self._engine.load_adapters(adapters)
        self.work.batches += 1

    def logprobs(
        self, sequences: Sequence[Tokens], models: Sequence[int] = ()
    ) -> "list[NDArray[np.float64]]":
        """See `Engine.logprobs`."""
        with self._timed():
            found = self._engine.logprobs(sequences, models)
        self.work.tokens += sum(map(len, sequences))
        return found

    def generate(
        self, prompts: Sequence[Tokens], settings: Sampling, models: Sequence[int] = ()
    ) -> list[list[int]]:
        """See `Engine.generate`."""
        with self._timed():
            found = self._engine.generate(prompts, settings, models)
        self.work.tokens += sum(map(len, prompts)) + sum(map(len, found))
        return found

    def close(self) -> None:
        """See `Engine.close`."""
        self._engine.close()

    @contextmanager
    def _swapping(self, count: int = 1) -> Iterator[None]:
        begin = self._clock()
        yield
        self.work.swap_seconds += self._clock() - begin
        self.work.swaps += count

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begin = self._clock()
        yield
        self.work.token_seconds += self._clock() - begin
