"""Several objectives at once: Pareto fronts and crowding distance (Deb et al., NSGA-II, 2002)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a point stands among others.

    Attributes:
        id: Of the point.
        front: 1 for those that nobody dominates, 2 for those that only front 1 dominates, and
            so on.
        crowding: How far its neighbours in its front are, the mean over the objectives, each
            scaled to the front's range; infinite at the ends of an objective. Of equal points
            the first by id has their distance and its copies have 0.
    """

    id: str
    front: int
    crowding: float


def dominates(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether a point is nowhere worse than another and somewhere better; higher is better."""
    pairs = list(zip(ours, theirs, strict=True))
    return all(one >= other for one, other in pairs) and any(one > other for one, other in pairs)


def pareto(points: Mapping[str, Sequence[float]]) -> list[Placed]:
    """Non-dominated sorting: by front, within it from the loneliest, ties by id.

    Equal points are in the same front. Points with a value that is NaN or infinite are left out,
    as are candidates that failed; the order in which points are given does not matter.

    Args:
        points: One value an objective, all higher is better, by id.

    Raises:
        ValueError: The points have different numbers of objectives, or none.
    """
    sizes = {len(point) for point in points.values()}
    if 0 in sizes or len(sizes) > 1:
        raise ValueError("every point needs the same number of objectives, at least one")
    ids = sorted(id_ for id_, point in points.items() if all(map(math.isfinite, point)))
    if not ids:
        return []
    values = np.asarray([points[id_] for id_ in ids], dtype=np.float64)
    # Here, because most commands import this package and sort nothing.
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    # pymoo minimises.
    fronts = NonDominatedSorting().do(-values)
    placed = [
        Placed(ids[index], number, float(distance))
        for number, front in enumerate(map(sorted, fronts), 1)
        for index, distance in zip(front, _crowding(values[front]), strict=True)
    ]
    return sorted(placed, key=lambda one: (one.front, -one.crowding, one.id))


def _crowding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Crowding distances of the points of one front, shape (points, objectives) to (points,)."""
    from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function

    # Copies would stand between a point and its neighbours, which depends on their order.
    unique, first = np.unique(values, axis=0, return_index=True)
    distances = np.zeros(len(values))
    distances[first] = get_crowding_function("cd").do(unique)
    return distances
