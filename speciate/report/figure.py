"""What a figure shows, told once: the page draws it with plotly, files are drawn with matplotlib.

Colours are names that light and dark themes give a value: "ink", "muted", "accent", "warm", or
"0" .. "7" for kinds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Number: TypeAlias = float | None
Shape: TypeAlias = Literal["circle", "square", "star", "x", "diamond"]


@dataclass(frozen=True)
class Line:
    """Points joined in order; None breaks it.

    Attributes:
        dash: Whether it is broken.
        steps: Whether it stays level up to the next point.
    """

    name: str
    x: Sequence[Number]
    y: Sequence[Number]
    colour: str = "ink"
    width: float = 2.0
    dash: bool = False
    steps: bool = False
    mark: Literal["line"] = "line"


@dataclass(frozen=True)
class Dots:
    """Points.

    Attributes:
        texts: What is said of each when it is pointed at.
        people: Places of the individuals that they stand for; none if they stand for nobody.
        labels: What is written beside each.
        low: Where an interval around `x` begins; none if there is no interval.
        high: Where it ends.
    """

    name: str
    x: Sequence[Number]
    y: Sequence[Number]
    texts: Sequence[str]
    colour: str = "ink"
    shape: Shape = "circle"
    size: float = 7.0
    faint: bool = False
    people: Sequence[int] = ()
    labels: Sequence[str] = ()
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    mark: Literal["dots"] = "dots"


@dataclass(frozen=True)
class Cells:
    """A table of colours: the further from the page's own, the higher.

    Attributes:
        values: 0..1 by row and column; None for an empty cell.
        texts: What is written in each.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[Number]]
    texts: Sequence[Sequence[str]]
    mark: Literal["cells"] = "cells"


Layer: TypeAlias = Line | Dots | Cells


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        key: Its name in addresses and of its files.
        title: In a few words.
        caption: What is to be seen, and how it was made; also what a screen reader says.
        rows: Names on the vertical axis at 0, 1, ... from the top, instead of numbers.
        height: On the page, in pixels.
        bare: Whether axes have no numbers either.
    """

    key: str
    title: str
    caption: str
    x: str
    y: str
    layers: Sequence[Layer]
    rows: Sequence[str] = ()
    height: int = 380
    bare: bool = False
    legend: bool = True


def thinned(count: int, most: int) -> list[int]:
    """At most `most` numbers below `count`, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def rounded(value: Any) -> Any:  # noqa: ANN401
    """JSON values with floats of six digits, and None for what is no finite number."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if value - value == 0 else None
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value
