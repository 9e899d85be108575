"""Paired comparison of two models on the same items, with a bootstrap interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 9999
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """Mean paired difference, positive when the first model is better, and its 95% interval."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


def paired_gain(
    ours: Sequence[float], theirs: Sequence[float], higher_is_better: bool, seed: int = 0
) -> Gain:
    """How much better one model is than another, item by item.

    The interval is the bias-corrected and accelerated bootstrap over items (Efron, 1987).

    Args:
        ours: Scores of the first model, one an item, at least 2.
        theirs: Scores of the second on the same items.
        higher_is_better: Direction of the metric.
        seed: Of the resampling.

    Raises:
        ValueError: The models were not scored on the same number of items.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} items cannot be paired")
    differences = np.subtract(ours, theirs) * (1 if higher_is_better else -1)
    mean = float(differences.mean())
    if np.ptp(differences) == 0:
        # Nothing to resample: every sample has the same mean.
        return Gain(mean, mean, mean)
    # Here, because it takes longer to import than all else that a command needs.
    from scipy.stats import bootstrap

    interval = bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=1000,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.Generator(np.random.Philox(seed)),
    ).confidence_interval
    return Gain(mean, float(interval.low), float(interval.high))
