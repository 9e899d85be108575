"""Scores from few items: item response theory, anchors, estimators, and races.

Answers are float64 arrays of shape (models, items) or (items,), each in [0, 1] with higher better,
right or wrong or anything between; NaN where an item was not asked. They are those of a search
split: nothing here is to see a test split.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speciate.errors import TaskError

Item = TypeVar("Item")

Reals = NDArray[np.float64]
Indices = NDArray[np.int64]


class Stream(Protocol):
    """The random numbers that are needed here, keyed by whoever calls."""

    def uniform(self, n: int) -> Reals:
        """`n` float64 in [0, 1)."""

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """A random permutation; `items` stays as it is."""


def bounded(values: ArrayLike, worst: float, best: float) -> Reals:
    """Per-item scores as answers: `worst` and beyond is 0, `best` and beyond is 1.

    What lies outside is cut off, and the mean then is no longer that of the metric: choose bounds
    that no item reaches. `best` is below `worst` where lower is better, as for bits per character.

    Args:
        values: Any shape, in the metric.
        worst: In the metric.
        best: In the metric, not `worst`.

    Returns:
        Float64 of the same shape, in [0, 1].

    Raises:
        TaskError: The bounds are equal.
    """
    if worst == best:
        raise TaskError(f"items: worst and best are both {worst}; give two bounds of the metric")
    return np.clip((np.asarray(values, dtype=np.float64) - worst) / (best - worst), 0.0, 1.0)


def checked(answers: ArrayLike, dimensions: int) -> Reals:
    """Answers as a float64 array, NaN allowed.

    Raises:
        TaskError: The array has another number of dimensions, or an answer is not in [0, 1].
    """
    found = np.asarray(answers, dtype=np.float64)
    if found.ndim != dimensions:
        raise TaskError(
            f"items: answers of shape {found.shape}; give an array of {dimensions} dimensions"
        )
    if np.any((found < 0) | (found > 1)):
        raise TaskError("items: an answer is not between 0 and 1; map the metric with `bounded`")
    return found
