"""Figures as SVG and PNG files by matplotlib: without a browser, and the same bytes each time."""

import math
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from speciate.files import write_whole
from speciate.report.figure import Cells, Dots, Figure, Line, Number

COLOURS = {
    "ink": "#1c1f24",
    "muted": "#9aa1ab",
    "faint": "#c9ced6",
    "accent": "#0b5cad",
    "warm": "#c2570c",
    **{
        str(number): colour
        for number, colour in enumerate(
            ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#882255", "#999933")
        )
    },
}
_MARKERS = {"circle": "o", "square": "s", "star": "*", "x": "x", "diamond": "D"}
_WIDTH, _INCH = 900, 100
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLOURS["muted"],
    "axes.grid": False,
    "text.parse_math": False,  # Names are words of others, and may hold dollars.
    "svg.fonttype": "none",
    "svg.hashsalt": "speciate",
}


def write_figures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Writes each figure as KEY.svg and KEY.png; an older one is replaced."""
    return [path for figure in figures for path in _write(figure, folder)]


def _write(figure: Figure, folder: Path) -> Iterator[Path]:
    with matplotlib.rc_context(_STYLE):
        canvas = Canvas((_WIDTH / _INCH, figure.height / _INCH), layout="constrained")
        _draw(figure, canvas.add_subplot())
        canvas.draw_without_rendering()
        canvas.set_layout_engine("none")  # It is laid out, and need not be for each file.
        for kind in ("svg", "png"):
            data = BytesIO()
            # What made it and when would differ from day to day.
            left_out = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
            canvas.savefig(data, format=kind, dpi=2 * _INCH, metadata=left_out)
            path = folder / f"{figure.key}.{kind}"
            write_whole(path, data.getvalue())
            yield path


def _draw(figure: Figure, axes: Axes) -> None:
    axes.set_title(figure.title, loc="left", fontweight="bold")
    axes.set_xlabel(figure.x)
    axes.set_ylabel(figure.y)
    for layer in figure.layers:
        if isinstance(layer, Line):
            _line(layer, axes)
        elif isinstance(layer, Dots):
            _dots(layer, axes)
        else:
            _cells(layer, axes)
    if figure.rows:
        axes.set_yticks(range(len(figure.rows)), figure.rows)
        axes.set_ylim(len(figure.rows) - 0.4, -0.6)
    if figure.bare:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if figure.legend:
        axes.legend(frameon=False, loc="best", fontsize=8)


def _line(line: Line, axes: Axes) -> None:
    axes.plot(
        _plain(line.x),
        _plain(line.y),
        color=COLOURS[line.colour],
        linewidth=line.width * 0.8,
        linestyle="--" if line.dash else "-",
        drawstyle="steps-post" if line.steps else "default",
        label=line.name,
    )


def _dots(dots: Dots, axes: Axes) -> None:
    colour = COLOURS[dots.colour]
    for height, low, high in zip(dots.y, dots.low, dots.high, strict=False):
        axes.plot(_plain([low, high]), _plain([height, height]), color=colour, linewidth=1.5)
    axes.scatter(
        _plain(dots.x),
        _plain(dots.y),
        s=dots.size**2 * 0.6,
        c=colour,
        marker=_MARKERS[dots.shape],
        alpha=0.35 if dots.faint else 1.0,
        linewidths=0.8 if dots.shape == "x" else 0,
        label=dots.name,
        zorder=2 if dots.faint else 3,
        rasterized=dots.faint,
    )
    for x, y, text in zip(dots.x, dots.y, dots.labels, strict=False):
        axes.annotate(
            text, (x or 0.0, y or 0.0), (0, -7), textcoords="offset points", fontsize=7,
            ha="center", va="top",
        )  # fmt: skip


def _plain(numbers: Sequence[Number]) -> list[float]:
    return [math.nan if one is None else one for one in numbers]


def _cells(cells: Cells, axes: Axes) -> None:
    values = [_plain(row) for row in cells.values]
    axes.imshow(values, cmap="cividis_r", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(cells.columns)), cells.columns)
    axes.set_yticks(range(len(cells.rows)), cells.rows)
    axes.tick_params(length=0)
    for row, texts in enumerate(cells.texts):
        for column, text in enumerate(texts):
            value = cells.values[row][column]
            ink = "white" if value is not None and value > 0.55 else "black"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
