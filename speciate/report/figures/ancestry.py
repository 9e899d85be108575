"""Where the champion comes from."""

from collections.abc import Iterator, Sequence

from speciate.report import labels
from speciate.report.choice import ancestors, main_line
from speciate.report.figure import Dots, Figure, Line, Number, Shape
from speciate.report.layout import layers
from speciate.report.people import People

_MOST, _LABELS = 40, 36
_CURVE = 12


def ancestry(people: People) -> Figure:
    """The champion's ancestors by generation; of many, its main line and the nearest."""
    everyone = ancestors(people, people.champion)
    line = list(main_line(people, people.champion))
    listed = sorted(list(dict.fromkeys([*line, *everyone]))[: len(line) + _MOST])
    edges = [
        (place, one)
        for place in listed
        for one in dict.fromkeys(people.family(place))
        if one in listed
    ]
    columns = {place: int(people.generations[place]) for place in listed}
    heights = layers(columns, edges)
    main = {(place, int(people.main[place])) for place in line}
    points = {place: (float(columns[place]), heights[place]) for place in listed}
    few = "all" if len(listed) == len(everyone) else f"{len(listed):,} of"
    return Figure(
        "ancestry",
        "Ancestry of the champion",
        f"The champion (star) and {few} its {len(everyone) - 1:,} ancestors, founders (squares) on "
        "the left, one generation a column. The strong line follows the fittest parent of each.",
        "generation",
        "",
        [
            _edges("parent", [edge for edge in edges if edge not in main], points, "faint", 1.0),
            _edges(
                "fittest parent", [edge for edge in edges if edge in main], points, "accent", 2.5
            ),
            *_dots(people, listed, points),
        ],
        height=min(720, 200 + 44 * _tallest(columns)),
        bare=True,
        legend=False,
    )


def _tallest(columns: dict[int, int]) -> int:
    counts = list(columns.values())
    return max(counts.count(column) for column in set(counts))


def _edges(
    name: str,
    edges: Sequence[tuple[int, int]],
    points: dict[int, tuple[float, float]],
    colour: str,
    width: float,
) -> Line:
    x: list[Number] = []
    y: list[Number] = []
    for child, parent in edges:
        for share in range(_CURVE + 1):
            across = share / _CURVE
            up = across * across * (3 - 2 * across)  # Level at both ends.
            (x0, y0), (x1, y1) = points[parent], points[child]
            x.append(x0 + (x1 - x0) * across)
            y.append(y0 + (y1 - y0) * up)
        x.append(None)
        y.append(None)
    return Line(name, x, y, colour, width)


def _dots(
    people: People, listed: Sequence[int], points: dict[int, tuple[float, float]]
) -> Iterator[Dots]:
    kinds: list[tuple[str, list[int], Shape, str, float]] = [
        ("ancestor", [], "circle", "ink", 8),
        ("founder", [], "square", "warm", 10),
        ("champion", [], "star", "accent", 16),
    ]
    for place in listed:
        kind = 2 if place == people.champion else int(place in people.names)
        kinds[kind][1].append(place)
    for name, places, shape, colour, size in kinds:
        yield Dots(
            name,
            [points[place][0] for place in places],
            [points[place][1] for place in places],
            [labels.point(people, place) for place in places],
            colour,
            shape,
            size,
            people=places,
            labels=[_label(people, place) if len(listed) <= _LABELS else "" for place in places],
        )


def _label(people: People, place: int) -> str:
    fitness = people.fitness[place]
    return labels.individual(people, place) + (f"\n{fitness:.3f}" if fitness == fitness else "")
