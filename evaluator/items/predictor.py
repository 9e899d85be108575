"""Fitness estimated from the anchors of all tasks, by any of the estimators."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from speciate.evaluator.items import Indices, Reals
from speciate.evaluator.items.anchors import Anchors
from speciate.evaluator.items.estimators import mixed, mp_irt, p_irt, weighted
from speciate.evaluator.items.irt import ItemModel, ability, inherited
from speciate.evaluator.items.pool import Pool


@dataclass(frozen=True)
class Predictor:
    """Plain arrays that fit into a message of some kilobytes.

    Attributes:
        name: Of `estimators.NAMES`.
        pool: The items of all tasks.
        items: Fitted to these.
        anchors: By task, numbered within the task.
        mixing: Weight of the weighted mean in gp-IRT and gmp-IRT.
    """

    name: str
    pool: Pool
    items: ItemModel
    anchors: Mapping[str, Anchors]
    mixing: float = 0.5

    @cached_property
    def asked(self) -> Indices:
        """Numbers of the anchors among all items."""
        return self.pool.asked(self.anchors)

    def ability(self, answers: Reals) -> Reals:
        """Of a model that was asked all N items, such as a parent: float64 of shape (D,)."""
        return ability(self.items, np.arange(len(self.pool)), answers)

    def estimate(self, answers: Reals, parents: Reals) -> float:
        """The fitness; arguments of `sides`."""
        return self.combined(*self.sides(answers, parents))

    def combined(self, by_weights: float, by_model: float) -> float:
        """What the estimator makes of the two sides."""
        if self.name == "weighted":
            return by_weights
        if self.name in ("p_irt", "mp_irt"):
            return by_model
        return mixed(by_weights, by_model, self.mixing)

    def sides(self, answers: Reals, parents: Reals) -> tuple[float, float]:
        """The estimates by weighted means and by item response theory.

        Args:
            answers: To the anchors, in the order of `asked`, shape (n,).
            parents: Their abilities, shape (K, D). Who has none is estimated by an ability of its
                own, by whatever name.
        """
        inherits = self.name in ("mp_irt", "gmp_irt") and len(parents) > 0
        if inherits:
            theta, _ = inherited(self.items, self.asked, answers, parents)
        else:
            theta = ability(self.items, self.asked, answers)
        expected, places = self.items.probabilities(theta), self.pool.places()
        by_weights = by_model = 0.0
        start = 0
        for task, share in self.pool.shares.items():
            anchors = self.anchors[task]
            seen = answers[start : start + len(anchors)]
            start += len(anchors)
            by_weights += share * weighted(anchors, seen)
            whole = mp_irt if inherits else p_irt
            by_model += share * whole(anchors, seen, expected[places[task]])
        return by_weights, by_model
