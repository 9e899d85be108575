"""Fitness at a glance: a colour and a bar, by rank among others."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from rich.text import Text

_COLORS = ("#c0392b", "#d35400", "#b7950b", "#7d9a1c", "#1e9e4a")
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Shades:
    """By rank, since one who is far behind would make all others look alike.

    Attributes:
        values: All that occur, each once, the lowest first.
    """

    values: Sequence[float]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self:
        """Of those who have any fitness."""
        return cls(sorted({value for value in values if value is not None}))

    def drawn(self, fitness: float | None, ascii_only: bool = False) -> Text:
        """Bar and number."""
        if fitness is None:
            return Text("failed" if ascii_only else "  failed", style="dim")
        bar = "" if ascii_only else f"{_BARS[self._part(fitness, len(_BARS))]} "
        return Text(f"{bar}{fitness:.4f}", style=_COLORS[self._part(fitness, len(_COLORS))])

    def _part(self, fitness: float, parts: int) -> int:
        """Which of so many equal parts of the ranks it is in."""
        last = len(self.values) - 1
        return bisect_left(self.values, fitness) * (parts - 1) // last if last else parts - 1
