"""Kinship on a terminal: numbers where there is room, else a heat map."""

import csv
import io
import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciate.output import plain_table
from speciate.population.kinship import MEASURES, Kinship, Part, Reals
from speciate.review.visible import visible

_NUMBER, _CELL, _NAME = 7, 2, 16
_SHADES = " ░▒▓█"
_LEGEND = ("█ 1, ▓ 0.75, ▒ 0.5, ░ 0.25, blank 0, - below", "█ none, blank the largest distance")
_COLD, _PALE, _WARM = (59, 76, 192), (221, 221, 221), (180, 4, 38)
_DARK = 0.6
_UNKNOWN = (128, 128, 128)


def drawn(
    found: Kinship, labels: Sequence[str], measure: str, start: str, width: int, plot: bool
) -> RenderableType:
    """The matrix, and who stands out in it.

    Args:
        found: What was measured.
        labels: Of the individuals.
        measure: One of `MEASURES`.
        start: What task vectors start from.
        width: Of the terminal.
        plot: Whether a heat map is wanted even where numbers fit.
    """
    names = [visible(label)[:_NAME] for label in labels]
    matrix = found.matrix(measure)
    room = width - max(map(len, names)) - 5
    fits = _NUMBER * len(names) <= room and not plot
    table = _numbers(matrix, names, measure) if fits else heat_map(matrix, names, measure, room)
    head = f"Kinship ({measure}) of {len(names)} individuals: weights less {visible(start)}"
    return Group(Text(head), "", table, "", *_outstanding(matrix, names, measure))


def _numbers(matrix: Reals, names: Sequence[str], measure: str) -> Table:
    table = plain_table("", "", *(str(place) for place in range(1, len(names) + 1)))
    table.padding = (0, 1, 0, 0)
    for place, (name, row) in enumerate(zip(names, matrix, strict=True), 1):
        cells = (Text(_value(value), style=_ink(value, matrix, measure)) for value in row)
        table.add_row(str(place), Text(name), *cells)
    return table


def heat_map(matrix: Reals, names: Sequence[str], measure: str, room: int) -> Text:
    """Two signs a pair, or one where there is little room; beyond that, the first ones.

    Colours and shades say the same, for terminals that have no colours.
    """
    cell = _CELL if _CELL * len(names) <= room else 1
    shown = min(len(names), max(room, 1) // cell)
    lines = []
    for place, name in enumerate(names[:shown]):
        line = Text(f"{place + 1:>3} {name:<{max(map(len, names))}} ", end="")
        for value in matrix[place, :shown]:
            warmth = _warmth(value, matrix, measure)
            line.append(_shade(warmth) * cell, style=f"{_rgb(warmth)} on {_rgb(warmth)}")
        lines.append(line)
    lines.append(Text(f"\n{_LEGEND[measure == 'euclidean']}"))
    if shown < len(names):
        lines.append(Text(f"the first {shown} of {len(names)}; --csv and --json have all"))
    return Text("\n").join(lines)


def _warmth(value: float, matrix: Reals, measure: str) -> float:
    """From -1 to 1; a distance, from 0 for the largest to 1 for none."""
    if measure == "euclidean":
        return 1 - value / (float(np.nanmax(matrix)) or 1.0)
    return value


def _shade(warmth: float) -> str:
    if math.isnan(warmth):
        return "?"
    step = round(warmth * (len(_SHADES) - 1))
    return _SHADES[step] if step >= 0 else "-"


def _rgb(warmth: float) -> str:
    if math.isnan(warmth):
        return f"rgb{_UNKNOWN}".replace(" ", "")
    end = _WARM if warmth > 0 else _COLD
    mixed = (round(pale + (far - pale) * abs(warmth)) for pale, far in zip(_PALE, end, strict=True))
    return f"rgb({','.join(map(str, mixed))})"


def _ink(value: float, matrix: Reals, measure: str) -> str:
    warmth = _warmth(value, matrix, measure)
    if math.isnan(warmth):
        return ""
    return f"{'black' if abs(warmth) < _DARK else 'white'} on {_rgb(warmth)}"


def _value(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def _outstanding(matrix: Reals, names: Sequence[str], measure: str) -> list[Text]:
    """The most and the least akin, and the mean of all pairs."""
    pairs = {
        (one, two): float(matrix[one, two])
        for one, two in combinations(range(len(names)), 2)
        if not math.isnan(matrix[one, two])
    }
    if not pairs:
        return []
    turn = -1 if measure == "euclidean" else 1
    order = sorted(pairs, key=lambda pair: (turn * pairs[pair], pair))
    lines = [
        f"{word}: {names[one]} and {names[two]}, {_value(pairs[one, two])}"
        for word, (one, two) in (("most akin", order[-1]), ("least akin", order[0]))
    ]
    mean = sum(pairs.values()) / len(pairs)
    return [Text(line) for line in [*lines, f"mean of {len(pairs)} pairs: {_value(mean)}"]]


def by_part(found: Kinship, measure: str) -> Table:
    """The mean over all pairs, by blocks and kinds of modules."""
    kinds = list(dict.fromkeys(kind for _, kind in found.parts))
    blocks = sorted({layer for layer, _ in found.parts if layer is not None})
    table = plain_table("block", *kinds)
    for layer in [*blocks, None]:
        cells = (_value(_mean(found, (layer, kind), measure)) for kind in kinds)
        table.add_row("outside" if layer is None else str(layer), *cells)
    return table


def _mean(found: Kinship, part: Part, measure: str) -> float:
    if part not in found.parts or len(found.ids) < 2:
        return math.nan
    upper = MEASURES[measure](found.parts[part])[np.triu_indices(len(found.ids), 1)]
    return float(upper[~np.isnan(upper)].mean()) if not np.isnan(upper).all() else math.nan


def kinship_json(
    found: Kinship, labels: Sequence[str], measure: str, start: Sequence[str]
) -> dict[str, Any]:
    """As JSON values; what is not defined is null."""
    value: dict[str, Any] = {
        "measure": measure,
        "start": list(start),
        "ids": list(found.ids),
        "labels": list(labels),
        "elements": found.moments.count,
        "matrix": _rows(found.matrix(measure)),
    }
    if found.parts:
        value["parts"] = [
            {
                "block": layer,
                "module": kind,
                "elements": one.count,
                "matrix": _rows(MEASURES[measure](one)),
            }
            for (layer, kind), one in found.parts.items()
        ]
    return value


def kinship_csv(found: Kinship, measure: str) -> str:
    """A row and a column for each individual; what is not defined is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *found.ids])
    for name, row in zip(found.ids, _rows(found.matrix(measure)), strict=True):
        writer.writerow([name, *("" if value is None else value for value in row)])
    return text.getvalue()


def _rows(matrix: Reals) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in matrix.tolist()]
