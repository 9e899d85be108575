"""Exact counts and exact order statistics of task vectors."""

import numpy as np

from speciate.population.operators.select import Cut


def density_of(count: int, size: int) -> float:
    """A density that keeps exactly `count` of `size` elements, whatever way it is rounded."""
    return min((count + 0.5) / size, 1.0)


def smallest_kept(cut: Cut) -> float:
    """The smallest magnitude that a cut keeps: an order statistic."""
    return float(np.int32(cut.bits).view(np.float32))
