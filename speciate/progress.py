"""How far a long command is: a bar on a terminal, now and then a line elsewhere, or nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from speciate.output import duration

Progress = Callable[[int, int], None]
_SECONDS = 10.0


@contextmanager
def watched(
    what: str, console: Console, quiet: bool = False, in_bytes: bool = True
) -> Iterator[Progress]:
    """Gives a function to be told how much is done, and of how much.

    Args:
        what: Is being done, in a word or two.
        console: Where to tell it.
        quiet: Whether to tell nothing.
        in_bytes: Whether bytes are counted, so that there is a speed.
    """
    if quiet:
        yield lambda _, __: None
    elif console.is_terminal:
        bars = _bars(console, in_bytes)
        task = bars.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            # Not before: what is said until then stands on its own line, and where it belongs.
            bars.update(task, completed=done, total=total)
            if not bars.live.is_started:
                bars.start()

        try:
            yield show
        finally:
            bars.stop()
    else:
        yield Lines(what, console, in_bytes)


def _bars(console: Console, in_bytes: bool) -> Bars:
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn(None)]
    columns += [DownloadColumn(), TransferSpeedColumn()] if in_bytes else [MofNCompleteColumn()]
    return Bars(*columns, TimeRemainingColumn(), console=console, transient=True)


class Lines:
    """A line at the beginning, and then one each ten seconds."""

    def __init__(
        self,
        what: str,
        console: Console,
        in_bytes: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Writes to `console`."""
        self._what, self._console, self._in_bytes, self._clock = what, console, in_bytes, clock
        self._begin: float | None = None
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Told how much is done, and of how much."""
        now = self._clock()
        if self._begin is None:
            self._begin = self._last = now
            self._say(f"{self._what} {self._amount(total)}")
        elif now - self._last >= _SECONDS and 0 < done < total:
            self._last = now
            rate = done / (now - self._begin)
            speed = f", {self._amount(int(rate))}/s" if self._in_bytes else ""
            self._say(
                f"{self._what}: {self._amount(done)} of {self._amount(total)}{speed}, "
                f"{duration((total - done) / rate)} left"
            )

    def _amount(self, number: int) -> str:
        return decimal(number) if self._in_bytes else str(number)

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)
