"""Two tasks against each other, and who is dominated by nobody."""

from collections.abc import Sequence

import numpy as np

from speciate.report import labels
from speciate.report.figure import Dots, Figure, Line, Shape, thinned
from speciate.report.people import People, Task

FRONT = "nobody betters them on both"
_DOTS = 3000


def pareto(
    people: People, pair: tuple[int, int], front: Sequence[int], shown: Sequence[int]
) -> Figure:
    """Of a pair of tasks by their numbers; the page puts another pair and its front in place."""
    some = _scored(people, shown)
    some = [some[one] for one in thinned(len(some), _DOTS)]
    x, y = (people.values[number] for number in pair)

    def dots(name: str, places: Sequence[int], colour: str, shape: Shape, size: float) -> Dots:
        return Dots(
            name,
            [float(x[place]) for place in places],
            [float(y[place]) for place in places],
            [labels.point(people, place) for place in places],
            colour,
            shape,
            size,
            faint=colour == "muted",
            people=places,
        )

    across = [float(x[place]) for place in front]
    up = [float(y[place]) for place in front]
    return Figure(
        "pareto",
        "Two tasks at once",
        "Mean search scores on two tasks. The line joins the Pareto front: the individuals that no "
        "other of the whole archive betters on both.",
        axis(people.tasks[pair[0]]),
        axis(people.tasks[pair[1]]),
        [
            dots(f"{len(some):,} individuals", some, "muted", "circle", 5),
            Line("Pareto front", across, up, "accent", 1.5),
            dots(FRONT, front, "accent", "circle", 8),
            dots("founders", _scored(people, people.founders), "warm", "square", 9),
            dots("champion", _scored(people, [people.champion]), "accent", "star", 14),
        ],
        height=460,
    )


def axis(task: Task) -> str:
    """What an axis says."""
    better = "more" if task.higher_is_better else "less"
    return f"{labels.name(task.name)} ({labels.name(task.metric)}, {better} is better)"


def _scored(people: People, places: Sequence[int]) -> list[int]:
    return [place for place in places if not np.isnan(people.values[:, place]).any()]
