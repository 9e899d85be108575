"""Fitness at a glance: a colour and a bar, by where it lies among others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from rich.text import Text

_COLORS = ("#c0392b", "#d35400", "#b7950b", "#7d9a1c", "#1e9e4a")
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Shades:
    """From the lowest to the highest fitness of some individuals."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self:
        """Of those who have any."""
        known = [value for value in values if value is not None]
        return cls(min(known, default=0.0), max(known, default=0.0))

    def drawn(self, fitness: float | None, ascii_only: bool = False) -> Text:
        """Bar and number."""
        if fitness is None:
            return Text("  failed" if not ascii_only else "failed", style="dim")
        bar = "" if ascii_only else f"{_BARS[self._part(fitness, len(_BARS))]} "
        return Text(f"{bar}{fitness:.4f}", style=_COLORS[self._part(fitness, len(_COLORS))])

    def _part(self, fitness: float, parts: int) -> int:
        """Which of so many equal parts of the range it lies in."""
        width = self.high - self.low
        return min(int((fitness - self.low) / width * parts), parts - 1) if width else parts - 1
