"""Who is drawn of many, and how the others are counted."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from speciate.report.people import NOBODY, Floats, Ints, People

FRONTS = 12
"""Tasks, the campaign's first, whose pairs have fronts on the page: 66 pairs."""


@dataclass(frozen=True)
class Group:
    """Those below one drawn individual that are not drawn.

    Attributes:
        anchor: Place of that one; NOBODY where there is none.
        members: Their places.
    """

    anchor: int
    members: Sequence[int]


@dataclass(frozen=True)
class Choice:
    """What the family tree shows.

    Attributes:
        shown: Places in order of birth.
        groups: By their anchors, whose main descendants they are.
        anchors: The nearest ancestor in the main line that is shown, by place.
    """

    shown: Sequence[int]
    groups: Sequence[Group]
    anchors: Ints


def choose(people: People, budget: int) -> Choice:
    """At most `budget` individuals and groups, if all founders and the main line fit in.

    First come the founders, the champion's main line, the living, the Pareto fronts and the
    champion's other ancestors; then, in turns, those with most children and the fittest.
    """
    if len(people.ids) <= budget:
        return _collapsed(people, range(len(people.ids)))
    order = list(dict.fromkeys(_wanted(people, budget)))
    count = budget
    while True:
        found = _collapsed(people, sorted(order[:count]))
        drawn = len(found.shown) + len(found.groups)
        if drawn <= budget or count <= 1:
            return found
        count = min(count - 1, count * budget // drawn)


def ancestors(people: People, place: int) -> list[int]:
    """Places of all ancestors of one, itself first, then by nearness."""
    order, queue = {place: None}, deque([place])
    while queue:
        for parent in people.family(queue.popleft()):
            if parent not in order:
                order[parent] = None
                queue.append(parent)
    return list(order)


def main_line(people: People, place: int) -> Iterator[int]:
    """One, its main parent, that one's main parent, and so on."""
    while place != NOBODY:
        yield place
        place = int(people.main[place])


def fronts(people: People) -> dict[tuple[int, int], list[int]]:
    """Places of those that nobody dominates, for each pair of the first tasks; by the first score.

    Of individuals with the same two scores the first born stands for all.
    """
    signs = [1.0 if task.higher_is_better else -1.0 for task in people.tasks[:FRONTS]]
    points = people.values[: len(signs)] * np.array(signs).reshape(-1, 1)
    count = len(signs)
    return {(a, b): _front(points[a], points[b]) for a in range(count) for b in range(a + 1, count)}


def _front(first: Floats, second: Floats) -> list[int]:
    scored = np.flatnonzero(~(np.isnan(first) | np.isnan(second)))
    # From the best of the first task down, whoever is better at the second than all before.
    order = scored[np.lexsort((scored, -second[scored], -first[scored]))]
    before = np.maximum.accumulate(np.concatenate(([-np.inf], second[order])))[:-1]
    return [int(place) for place in order[second[order] > before]]


def _wanted(people: People, budget: int) -> Iterator[int]:
    yield people.champion
    yield from people.founders
    yield from main_line(people, people.champion)
    if people.average is not None:
        yield people.average
    yield from people.living
    yield from chain.from_iterable(fronts(people).values())
    yield from ancestors(people, people.champion)[: budget // 2]
    prolific = np.argsort(-people.children, kind="stable")
    fittest = np.argsort(-people.fitness, kind="stable")  # NaN is last.
    for pair in zip(prolific[:budget], fittest[:budget], strict=True):
        yield from map(int, pair)


def _collapsed(people: People, shown: Sequence[int]) -> Choice:
    kept = np.zeros(len(people.ids), bool)
    kept[list(shown)] = True
    anchors = people.main.copy()
    members: dict[int, list[int]] = {}
    for place in range(len(anchors)):
        above = int(anchors[place])
        if above != NOBODY and not kept[above]:
            above = int(anchors[above])  # Done already: parents come first.
            anchors[place] = above
        if not kept[place]:
            members.setdefault(above, []).append(place)
    groups = [Group(anchor, members[anchor]) for anchor in sorted(members)]
    return Choice(shown, groups, anchors)
