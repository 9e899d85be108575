"""Who is good at what: a heat map of search scores."""

import numpy as np

from speciate.report import labels
from speciate.report.figure import Cells, Figure
from speciate.report.people import Floats, People

_FOUNDERS, _LIVING = 12, 16
_LEVEL = 0.5


def tasks(people: People) -> Figure:
    """Founders, the average, the champion and the best of the living, by task."""
    places = _rows(people)
    values = people.values[:, places]
    shares = np.array([_shares(*pair) for pair in zip(values, _signs(people), strict=True)])
    columns = [f"{labels.name(task.name)}\n{labels.name(task.metric)}" for task in people.tasks]
    return Figure(
        "tasks",
        "Scores by task",
        "Mean search score of founders, champion and the best of the living. Each column is "
        "coloured by itself: the further from the page's own colour, the better of those listed.",
        "",
        "",
        [
            Cells(
                [_label(people, place) for place in places],
                columns,
                [[_number(one) for one in row] for row in shares.T.tolist()],
                [[_text(one) for one in row] for row in values.T.tolist()],
            )
        ],
        height=110 + 26 * len(places),
        legend=False,
    )


def _rows(people: People) -> list[int]:
    founders = people.founders
    best = sorted(founders, key=lambda place: (-np.nan_to_num(people.fitness[place]), place))
    listed = [place for place in founders if place in best[:_FOUNDERS]]
    average = [] if people.average is None else [people.average]
    living = [place for place in people.living if place not in (*listed, people.champion)]
    return list(dict.fromkeys([*listed, *average, people.champion, *living[:_LIVING]]))


def _label(people: People, place: int) -> str:
    name = labels.individual(people, place)
    if place == people.champion:
        return f"champion {name}"
    return "plain average" if place == people.average else name


def _signs(people: People) -> list[float]:
    return [1.0 if task.higher_is_better else -1.0 for task in people.tasks]


def _shares(values: Floats, sign: float) -> Floats:
    """From 0 for the worst to 1 for the best."""
    points = values * sign
    known = points[~np.isnan(points)]
    if not known.size or np.ptp(known) == 0:
        return np.where(np.isnan(points), np.nan, _LEVEL)
    shares: Floats = (points - known.min()) / np.ptp(known)
    return shares


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _text(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
