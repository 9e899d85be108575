"""k-means on points whose sign does not matter, seeded as k-means++ (Arthur and Vassilvitskii)."""

import numpy as np
import torch
from numpy.typing import NDArray

from speciate.population.randomness import Stream

Points = NDArray[np.float64]
_ROUNDS = 100


def clustered(points: Points, count: int, stream: Stream) -> list[Points]:
    """Parts the points into clusters, each with its points turned to face the same way.

    Args:
        points: (n, dimensions); x and -x are the same point.
        count: Number of clusters; with as many as points, each is a cluster by itself.
        stream: Draws the first centroids.

    Returns:
        The points of each cluster; none is empty.
    """
    if count >= len(points):
        return [point[None] for point in points]
    centroids = _seeds(points, count, stream)
    labels = np.full(len(points), -1)
    for _ in range(_ROUNDS):
        before = labels
        labels, points = _assigned(points, centroids)
        if np.array_equal(labels, before):
            break
        centroids = np.stack([points[labels == label].mean(axis=0) for label in range(count)])
    return [points[labels == label] for label in range(count)]


def _seeds(points: Points, count: int, stream: Stream) -> Points:
    """The first at random, each other in proportion to its squared distance from those before."""
    chosen = [stream.integer(len(points))]
    nearest = _distances(points, points[chosen])[:, 0]
    while len(chosen) < count:
        nearest[chosen] = 0.0
        chosen.append(stream.choice(nearest.tolist()))
        nearest = np.minimum(nearest, _distances(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _distances(points: Points, centroids: Points) -> Points:
    """Squared, from each point or its negative, whichever is closer; (points, centroids)."""
    squares = (points**2).sum(axis=1)[:, None] + (centroids**2).sum(axis=1)
    # By torch, because numpy's products do not keep to one thread.
    products = (torch.from_numpy(points) @ torch.from_numpy(centroids).T).numpy()
    # Rounding may make them negative.
    distances: Points = np.maximum(squares - 2 * np.abs(products), 0.0)
    return distances


def _assigned(points: Points, centroids: Points) -> tuple[NDArray[np.int64], Points]:
    """The nearest centroid of each point, and the points turned towards it."""
    distances = _distances(points, centroids)
    labels = distances.argmin(axis=1)
    for label in range(len(centroids)):
        if not (labels == label).any():
            # An empty cluster takes the worst placed point of those that share theirs.
            shared = np.bincount(labels, minlength=len(centroids))[labels] > 1
            cost = np.take_along_axis(distances, labels[:, None], axis=1)[:, 0]
            labels[int(np.where(shared, cost, -1.0).argmax())] = label
    sides = np.einsum("ij,ij->i", points, centroids[labels])
    return labels, points * np.where(sides < 0, -1.0, 1.0)[:, None]
