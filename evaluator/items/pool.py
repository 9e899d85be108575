"""Items of several tasks side by side, so that one fit and one estimate can be made of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from speciate.evaluator.items import Indices, Reals, Stream
from speciate.evaluator.items.anchors import (
    Anchors,
    clustered_anchors,
    item_features,
    random_anchors,
)
from speciate.evaluator.items.irt import ItemModel


@dataclass(frozen=True)
class Pool:
    """N items, those of each task in one piece.

    Attributes:
        sizes: Items by task, in the order in which they lie.
        shares: Of the fitness, by task; they sum to 1.
    """

    sizes: Mapping[str, int]
    shares: Mapping[str, float]

    @classmethod
    def weighted(cls, sizes: Mapping[str, int], weights: Mapping[str, float]) -> "Pool":
        """Of tasks that count by their weights, all above 0."""
        total = sum(weights[task] for task in sizes)
        return cls(sizes, {task: weights[task] / total for task in sizes})

    def __len__(self) -> int:
        """N."""
        return sum(self.sizes.values())

    def places(self) -> dict[str, slice]:
        """Where the items of each task lie."""
        ends = np.cumsum([0, *self.sizes.values()]).tolist()
        return {task: slice(*ends) for task, ends in zip(self.sizes, pairwise(ends), strict=True)}

    def joined(self, by_task: Mapping[str, Sequence[float]]) -> Reals:
        """Values of all tasks as one array, float64 of shape (N,)."""
        parts = [np.asarray(by_task[task], dtype=np.float64) for task in self.sizes]
        return np.concatenate(parts)

    def fitness(self, answers: Reals) -> float:
        """The weighted mean of the tasks' means, of answers of shape (N,)."""
        return sum(
            share * float(answers[place].mean())
            for share, place in zip(self.shares.values(), self.places().values(), strict=True)
        )

    def anchors(
        self, share: float, choice: str, items: ItemModel, stream: Stream
    ) -> dict[str, Anchors]:
        """A share of each task's items, at least one, numbered within the task.

        Args:
            share: In (0, 1).
            choice: "random", or "cluster" by item parameters.
            items: Fitted, all N.
            stream: Of the choice.
        """
        features, found = item_features(items), {}
        for task, place in self.places().items():
            size = self.sizes[task]
            n = max(1, round(share * size))
            if choice == "random":
                found[task] = random_anchors(size, n, stream)
            else:
                found[task] = clustered_anchors(features[place], n, stream)
        return found

    def asked(self, anchors: Mapping[str, Anchors]) -> Indices:
        """The numbers of all tasks' anchors among the N items, in order of the tasks."""
        places = self.places()
        return np.concatenate([places[task].start + anchors[task].items for task in self.sizes])
