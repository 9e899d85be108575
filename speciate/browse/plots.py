"""Curves and clouds of points in characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from rich.text import Text

_ONE_AT_A_TIME = Lock()  # The library has one figure.


@dataclass(frozen=True)
class Series:
    """Points to draw: with lines of braille dots if they have no sign of their own."""

    across: Sequence[float]
    up: Sequence[float]
    sign: str = ""


def plot(
    series: Sequence[Series], size: tuple[int, int], coloured: bool, turned: Sequence[str] = ()
) -> Text:
    """A plot.

    Args:
        series: Later ones are drawn over earlier ones.
        size: Columns and rows.
        coloured: Or else without any colour.
        turned: "x" or "y" where less is to lie further right or up.
    """
    # Only here is it needed, and it takes a third of a second.
    from plotext import figure, terminal

    with _ONE_AT_A_TIME:
        terminal.limit(False, False)  # The pane is the limit.
        figure.clear()
        figure.theme("simple" if coloured else "colorless").plot_size(*size)
        for one in series:
            if one.across:
                drawn = figure.signal([*one.across], [*one.up], marker=one.sign or "braille")
                figure.draw(drawn if one.sign else drawn.lines())
        for axis in turned:
            figure.ruler(axis).direction(-1)
        return Text.from_ansi(figure.build().string(colorless=not coloured).rstrip())
