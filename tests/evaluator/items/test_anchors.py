"""Anchors: stable, of the right number, and one for each kind of item."""

import warnings

import numpy as np
import pytest

from speciate.errors import TaskError
from speciate.evaluator.items.anchors import (
    clustered_anchors,
    correctness_features,
    item_features,
    random_anchors,
)
from speciate.evaluator.items.irt import ItemModel
from speciate.population.randomness import stream


def test_random_anchors_are_distinct_ordered_and_keyed() -> None:
    first = random_anchors(100, 20, stream(1, "anchors"))
    again = random_anchors(100, 20, stream(1, "anchors"))
    other = random_anchors(100, 20, stream(2, "anchors"))
    assert first.items.tolist() == again.items.tolist() == sorted(set(first.items.tolist()))
    assert first.items.tolist() != other.items.tolist()
    assert (len(first), first.total, first.weights.sum()) == (20, 100, pytest.approx(1))


def test_clusters_far_apart_have_an_anchor_each_weighted_by_size() -> None:
    rng = np.random.default_rng(0)
    sizes = [50, 30, 20]
    kind = np.repeat([0, 1, 2], sizes)
    features = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])[kind]
    features += rng.normal(0, 1, features.shape)
    found = clustered_anchors(features, 3, stream(0, "anchors"))
    assert kind[found.items].tolist() == [0, 1, 2]
    assert found.weights == pytest.approx([0.5, 0.3, 0.2])
    for item, group in zip(found.items, range(3), strict=True):
        members = features[kind == group]
        distance = ((members - members.mean(axis=0)) ** 2).sum(axis=1)
        assert features[item].tolist() == members[distance.argmin()].tolist()


def test_alike_items_are_filled_up_at_random_without_weight() -> None:
    features = np.repeat([[0.0], [1.0]], 10, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clustered_anchors(features, 6, stream(0, "anchors"))
    assert len(found) == len(set(found.items.tolist())) == 6
    assert sorted(found.weights[found.weights > 0]) == pytest.approx([0.5, 0.5])


def test_all_items_may_be_anchors() -> None:
    features = np.random.default_rng(1).normal(size=(12, 3))
    found = clustered_anchors(features, 12, stream(0, "anchors"))
    assert found.items.tolist() == list(range(12))
    assert found.weights == pytest.approx(1 / 12)


def test_features_have_a_row_an_item() -> None:
    items = ItemModel(np.arange(6.0).reshape(3, 2), np.array([7.0, 8.0, 9.0]))
    assert item_features(items).tolist() == [[0, 1, 7], [2, 3, 8], [4, 5, 9]]
    assert correctness_features([[0, 1, 1], [1, 0, 1]]).tolist() == [[0, 1], [1, 0], [1, 1]]
    with pytest.raises(TaskError, match="every model must have been asked"):
        correctness_features([[0, np.nan], [1, 0]])


@pytest.mark.parametrize("n", [0, 21])
def test_too_few_or_too_many_are_told(n: int) -> None:
    with pytest.raises(TaskError, match=f"{n} anchors wanted of 20 items"):
        random_anchors(20, n, stream(0, "anchors"))
    with pytest.raises(TaskError, match=f"{n} anchors wanted of 20 items"):
        clustered_anchors(np.zeros((20, 2)), n, stream(0, "anchors"))
