"""Which few items stand for all: drawn at random, or one a cluster of items alike.

Items are alike by their parameters [alpha; beta], or by which models answer them (Vivek et al.,
"Anchor points", 2024; Maia Polo et al., "tinyBenchmarks", 2024).
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.vq import kmeans2, vq

from speciate.errors import TaskError
from speciate.evaluator.items import Indices, Reals, Stream, checked
from speciate.evaluator.items.irt import ItemModel

ROUNDS = 50


@dataclass(frozen=True)
class Anchors:
    """The n items to ask, of N.

    Attributes:
        items: Numbers of the items, ascending, int64 of shape (n,).
        weights: Share of all items that each stands for, float64 of shape (n,); they sum to 1.
        total: N.
    """

    items: Indices
    weights: Reals
    total: int

    def __len__(self) -> int:
        """How many are asked."""
        return len(self.items)


def random_anchors(total: int, n: int, stream: Stream) -> Anchors:
    """`n` of `total` items, all as likely, all of the same weight.

    Raises:
        TaskError: There are not so many items, or none is wanted.
    """
    _check(total, n)
    items = np.sort(np.array(stream.shuffle(range(total))[:n], dtype=np.int64))
    return Anchors(items, np.full(n, 1 / n), total)


def item_features(items: ItemModel) -> Reals:
    """The parameters [alpha; beta] of each item, float64 of shape (N, D + 1)."""
    return np.column_stack([items.alpha, items.beta])


def correctness_features(answers: ArrayLike) -> Reals:
    """What each model answered to each item, shape (M, N), as float64 of shape (N, M).

    Raises:
        TaskError: Some model was not asked some item, or an answer is not in [0, 1].
    """
    known = checked(answers, 2)
    if np.isnan(known).any():
        raise TaskError(
            "items: to cluster by answers, every model must have been asked every item; "
            "leave out the others, or cluster by item parameters"
        )
    return np.ascontiguousarray(known.T)


def clustered_anchors(features: Reals, n: int, stream: Stream) -> Anchors:
    """The item nearest to the centroid of each of `n` clusters (k-means), weighted by its size.

    Where fewer clusters than `n` can be told apart, items drawn at random fill up; they count for
    nothing in a weighted mean, but tell something of an ability.

    Args:
        features: Float64 of shape (N, F).
        n: Between 1 and N.
        stream: Of the starting centroids (k-means++, Arthur and Vassilvitskii, 2007).

    Raises:
        TaskError: There are not so many items, or none is wanted.
    """
    total = len(features)
    _check(total, n)
    seeds = _seeds(features, n, stream)
    with warnings.catch_warnings():
        # Of empty clusters, which are filled up below.
        warnings.simplefilter("ignore")
        centroids, _ = kmeans2(features, seeds, iter=ROUNDS, minit="matrix")
    label, distance = vq(features, centroids)
    sizes: dict[int, float] = {}
    for cluster in np.unique(label):
        members = np.flatnonzero(label == cluster)
        sizes[int(members[np.argmin(distance[members])])] = len(members) / total
    spare = stream.shuffle([item for item in range(total) if item not in sizes])
    sizes |= dict.fromkeys(spare[: n - len(sizes)], 0.0)
    items = np.array(sorted(sizes), dtype=np.int64)
    return Anchors(items, np.array([sizes[int(item)] for item in items]), total)


def _seeds(features: Reals, n: int, stream: Stream) -> Reals:
    """Starting centroids: each item as likely as the square of its distance to those chosen."""
    draws = stream.uniform(n)
    chosen = [int(draws[0] * len(features))]
    distance = ((features - features[chosen[0]]) ** 2).sum(axis=1)
    for draw in draws[1:]:
        sums = np.cumsum(distance)
        last = len(features) - 1
        chosen.append(min(last, int(np.searchsorted(sums, draw * sums[-1], side="right"))))
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(axis=1))
    return features[chosen]


def _check(total: int, n: int) -> None:
    if not 1 <= n <= total:
        raise TaskError(f"items: {n} anchors wanted of {total} items; ask 1 to {total}")
