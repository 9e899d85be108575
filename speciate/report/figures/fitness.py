"""Fitness over the steps of a campaign, with the baselines that it has to beat."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from speciate.archive.steps import Step
from speciate.report import labels
from speciate.report.figure import Dots, Figure, Layer, Line, thinned
from speciate.report.people import People

_POINTS, _DOTS = 1000, 1500


def fitness(people: People, steps: Sequence[Step], shown: Sequence[int]) -> Figure:
    """Best and mean of the living, the best so far, everybody shown, and baselines as levels."""
    layers: list[Layer] = [_born(people, shown), *_curves(steps)]
    last = max((step.step for step in steps), default=0)
    layers += [
        Line(name, [0, last], [float(people.fitness[place])] * 2, colour, 1.5, dash=True)
        for name, place, colour in _baselines(people)
    ]
    layers.append(_champion(people))
    return Figure(
        "fitness",
        "Fitness over time",
        "Search fitness by step of the campaign: best and mean of the living population, and the "
        "best of it so far. Dots are individuals at the step of their birth; broken lines are the "
        "baselines. Selection sees only the search splits, so these values are optimistic; the "
        "test table is not. Drag over the figure to zoom, double click to see all.",
        "step",
        "fitness",
        layers,
        height=420,
    )


def _curves(steps: Sequence[Step]) -> list[Layer]:
    lived = [step for step in steps if step.best is not None]
    best = [step.best or 0.0 for step in lived]
    ever = list(accumulate(best, max))
    few = thinned(len(lived), _POINTS)
    x = [lived[one].step for one in few]
    curves: list[Layer] = [
        Line("mean of the living", x, [lived[one].mean for one in few], "muted"),
        Line("best of the living", x, [best[one] for one in few], "accent"),
    ]
    if ever != best:
        curves.append(Line("best so far", x, [ever[one] for one in few], "ink", 1.5, steps=True))
    return curves


def _baselines(people: People) -> list[tuple[str, int, str]]:
    found = []
    best = people.best_founder()
    if best is not None:
        found.append((f"best founder, {labels.individual(people, best)}", best, "warm"))
    if people.average is not None and not np.isnan(people.fitness[people.average]):
        found.append(("plain average of the founders", people.average, "2"))
    return found


def _born(people: People, shown: Sequence[int]) -> Dots:
    scored = [place for place in shown if not np.isnan(people.fitness[place])]
    few = [scored[one] for one in thinned(len(scored), _DOTS)]
    return Dots(
        "individuals" if len(few) == len(people.ids) else f"{len(few):,} individuals",
        [int(people.steps[place]) for place in few],
        [float(people.fitness[place]) for place in few],
        [labels.point(people, place) for place in few],
        "muted",
        size=4,
        faint=True,
        people=few,
    )


def _champion(people: People) -> Dots:
    place = people.champion
    return Dots(
        "champion",
        [int(people.steps[place])],
        [float(people.fitness[place])],
        [labels.point(people, place)],
        "accent",
        "star",
        13,
        people=[place],
    )
