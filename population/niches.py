"""Niches: ranges of scores on some tasks, and the elite that holds each."""

from collections.abc import Mapping, Sequence

from speciate.records import Individual

_MARGIN = 0.5
"""Of the founders' range, beyond either end: children may be better, or worse, than all of them."""
Edges = Mapping[str, Sequence[float]]


def scored(one: Individual, task: str) -> float:
    """Score of an individual that did not fail, in the metric."""
    return one.evaluation.scores[task].value if one.evaluation else 0.0


def edges(founders: Sequence[Individual], tasks: Sequence[str]) -> dict[str, list[float]]:
    """The range of scores that is cut into bins, by task."""
    found = {}
    for task in tasks:
        values = [scored(one, task) for one in founders if one.evaluation]
        margin = _MARGIN * (max(values) - min(values))
        found[task] = [min(values) - margin, max(values) + margin]
    return found


def cell(one: Individual, tasks: Sequence[str], ranges: Edges, bins: int) -> str:
    """The niche of an individual, such as "3,0"; what lies beyond an end is in the last bin."""
    places = []
    for task in tasks:
        low, high = ranges[task]
        share = (scored(one, task) - low) / (high - low) if high > low else 0.0
        places.append(min(max(int(share * bins), 0), bins - 1))
    return ",".join(map(str, places))
