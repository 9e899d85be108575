"""What individuals score item by item: who is alone in solving what, and who behaves like whom."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from speciate.population.goals import Goals
from speciate.records import Individual

Floats = NDArray[np.float64]


def item_scores(
    names: Sequence[str], known: Mapping[str, Individual], goals: Goals
) -> tuple[Floats, Floats]:
    """Scores in [0, 1] of each individual on each item, more is better, and what items weigh.

    Values that are not in [0, 1] already with more being better, such as bits, are scaled item by
    item from the worst (0) to the best (1) of these individuals; where all are equal, to 0.

    Args:
        names: Of individuals that did not fail.
        known: These.
        goals: Tasks count by their weights, however many items they have.

    Returns:
        Shapes (individuals, items) and (items,); weights of items sum to 1.
    """
    parts, weights = [], []
    for task in _tasks(known[names[0]], goals):
        values = np.stack([_items(known[name], task) for name in names])
        parts.append(_scaled(values, goals.higher_is_better.get(task, True)))
        weights.append(np.full(values.shape[1], _weight(goals, task) / values.shape[1]))
    weight = np.concatenate(weights)
    scores = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return scores, weight / weight.sum()


def task_scores(names: Sequence[str], known: Mapping[str, Individual], goals: Goals) -> Floats:
    """Mean scores on the tasks that count, scaled from the worst (0) to the best (1) of these.

    Args:
        names: Of individuals that did not fail.
        known: These.
        goals: Directions and weights of the tasks.

    Returns:
        Shape (individuals, tasks), tasks by name.
    """
    columns = []
    for task in _tasks(known[names[0]], goals):
        means = [np.mean(_items(known[name], task)) for name in names]
        columns.append(_spread(np.array(means), goals.higher_is_better.get(task, True)))
    return np.stack(columns, axis=1)


def _tasks(one: Individual, goals: Goals) -> list[str]:
    scores = one.evaluation.scores if one.evaluation else {}
    return [task for task in sorted(scores) if _weight(goals, task)]


def _weight(goals: Goals, task: str) -> float:
    return goals.weights.get(task, 1.0)


def _items(one: Individual, task: str) -> Floats:
    return np.frombuffer(one.evaluation.scores[task].packed if one.evaluation else b"")


def _scaled(values: Floats, higher: bool) -> Floats:
    if higher and values.min() >= 0 and values.max() <= 1:
        return values
    return _spread(values, higher)


def _spread(values: Floats, higher: bool) -> Floats:
    """From the worst (0) to the best (1) along the first axis; 0 where all are equal."""
    turned = values if higher else -values
    low = turned.min(axis=0)
    spread = turned.max(axis=0) - low
    return np.where(spread > 0, (turned - low) / np.where(spread > 0, spread, 1.0), 0.0)
