"""Means over seeds with intervals, ranks and their tests, tables in Markdown, and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Reals = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean, and its 95% interval by Student's t."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def interval(values: Sequence[float] | Reals) -> Interval:
    """Of the mean of independent runs, at least two."""
    mean, error = float(np.mean(values)), float(stats.sem(values))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Interval(mean, mean - reach, mean + reach)


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of methods over runs, and how far apart they must be.

    Attributes:
        means: 1 is the best; equals share their ranks.
        p_value: Of Friedman's test that all methods are alike.
        critical: Difference from which two differ at 5%, by Nemenyi's test (Demsar, JMLR 7, 2006).
    """

    means: Mapping[str, float]
    p_value: float
    critical: float


def ranks(scores: Mapping[str, Sequence[float]]) -> Ranks:
    """Of methods by their scores, the higher the better, each on the same runs."""
    rows = np.array(list(scores.values()))
    methods, runs = rows.shape
    means = stats.rankdata(-rows, axis=0).mean(axis=1)
    studentized = stats.studentized_range.ppf(CONFIDENCE, methods, np.inf) / np.sqrt(2)
    critical = studentized * np.sqrt(methods * (methods + 1) / (6 * runs))
    p_value = stats.friedmanchisquare(*rows).pvalue
    return Ranks(dict(zip(scores, means.tolist(), strict=True)), float(p_value), float(critical))


def header(*cells: str) -> None:
    """Prints the head of a table."""
    row(*cells)
    row(*["---"] * len(cells))


def row(*cells: object) -> None:
    """Prints a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


Curves = Mapping[str, Reals]
"""Runs by label: (seeds, places)."""


def draw_curves(
    path: Path,
    at: Sequence[float],
    panels: Mapping[str, Curves],
    labels: tuple[str, str],
    grey: Curves | None = None,
    log: bool = False,
    least: float | None = None,
) -> None:
    """Draws means and intervals over seeds, a panel for each group.

    Args:
        path: An SVG file.
        at: Where the curves have their places.
        panels: Curves by title.
        labels: Of the axes.
        grey: Curves that each panel shows for comparison.
        log: Whether the first axis is logarithmic.
        least: Where the second axis begins; what lies below is not seen.
    """
    pyplot = _plots(path)
    wide = 2 if len(panels) == 4 else min(len(panels), 3)
    deep = -(-len(panels) // wide)
    figure, axes = pyplot.subplots(
        *(deep, wide), figsize=(4 * wide, 3.2 * deep), layout="constrained", squeeze=False,
        sharex=True, sharey=True,
    )  # fmt: skip
    for axis, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        _draw_panel(axis, at, curves, grey or {})
        axis.set_title(title)
        axis.legend(fontsize=7)
        if log:
            axis.set_xscale("log")
        if least is not None:
            axis.set_ylim(bottom=least)
    for axis in axes[-1]:
        axis.set_xlabel(labels[0])
    for line in axes:
        line[0].set_ylabel(labels[1])
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _draw_panel(axis: Any, at: Sequence[float], curves: Curves, grey: Curves) -> None:
    for number, (name, runs) in enumerate(grey.items()):
        style = {"color": "grey", "ls": ("--", ":", "-.")[number % 3]}
        axis.plot(at, runs.mean(axis=0), label=name, lw=1, **style)
    for number, (name, runs) in enumerate(curves.items()):
        bands = [interval(column) for column in runs.T]
        axis.plot(at, [one.mean for one in bands], f"C{number}", label=name, lw=1.2)
        low, high = [one.low for one in bands], [one.high for one in bands]
        axis.fill_between(at, low, high, color=f"C{number}", alpha=0.15, lw=0)


def draw_forest(path: Path, found: Mapping[str, Interval], label: str) -> None:
    """Draws means with their intervals, one below the other, and a line at 0.

    Args:
        path: An SVG file.
        found: By label, the first one on top.
        label: Of the axis.
    """
    pyplot = _plots(path)
    figure, axis = pyplot.subplots(figsize=(7, 0.8 + 0.24 * len(found)), layout="constrained")
    places = range(len(found))
    ends = [(one.mean - one.low, one.high - one.mean) for one in found.values()]
    means = [one.mean for one in found.values()]
    axis.axvline(0, color="grey", lw=1, ls=":")
    axis.errorbar(means, places, xerr=np.transpose(ends), fmt="o", ms=4, lw=1.2)
    axis.set_yticks(places, list(found))
    axis.invert_yaxis()
    axis.set_xlabel(label)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _plots(path: Path) -> Any:
    """What draws, so that the file is the same each time."""
    # Here, because only plots need it.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": path.stem, "font.size": 9}
    from matplotlib import pyplot

    return pyplot
