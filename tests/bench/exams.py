"""Judges of new simulated models: racing, anchors alone, and block after block of anchors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from simulated import ITEMS, World

from speciate.evaluator.items import Reals
from speciate.evaluator.items.calibration import Calibrated, CrossFit, Known, abilities
from speciate.evaluator.items.pool import Pool
from speciate.evaluator.items.racing import item_order, stopping_time
from speciate.population.randomness import stream

# Items that an engine is given at a time in a race.
BATCH = 25
SIZES = (0.01, 0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
ESTIMATOR = "gmp_irt"
POOL = Pool({"a": ITEMS}, {"a": 1.0})


@dataclass(frozen=True)
class Verdict:
    """What becomes of a new model.

    Attributes:
        used: Share of the items that were asked.
        value: Its score if all were, an estimate otherwise.
        stays: Whether it may be selected.
    """

    used: float
    value: float
    stays: bool


Judge = Callable[[int, float, int], Verdict]
"""Of a new model's number, the bar, and the number of the model that is the bar."""


@dataclass(frozen=True)
class Exam:
    """A world, and for each size of `SIZES` an estimator and what it finds of the new models.

    Attributes:
        sides: Weighted means and estimates by item response theory, shape (sizes, models, 2).
    """

    world: World
    fits: Sequence[Calibrated]
    sides: Reals

    @classmethod
    def of(cls, world: World, dimensions: int = 1) -> "Exam":
        """Fits to the known models as a campaign does; anchors are random, few are among more."""
        setting, answers = world.setting, world.answers

        def parents(model: int) -> list[Reals]:
            return [answers[one] for one in world.parents[model]]

        known = [
            Known(answers[model], parents(model) if child else (), child)
            for model in range(setting.known)
            for child in [model >= setting.founders]
        ]
        fitted = CrossFit.of(known, POOL, dimensions, partial(stream, world.seed, "bench", "fit"))
        draws = partial(stream, world.seed, "bench", "selections")
        fits = [fitted.calibrated(ESTIMATOR, size, "random", draws) for size in SIZES]
        theirs = [
            abilities(fits[0].predictor, parents(model))
            for model in range(setting.known, setting.models)
        ]
        rows = [
            [
                one.predictor.sides(answers[model, one.predictor.asked], theta)
                for model, theta in enumerate(theirs, setting.known)
            ]
            for one in fits
        ]
        return cls(world, fits, np.array(rows))

    def estimates(self, share: float, name: str = ESTIMATOR) -> Reals:
        """Of all new models by an estimator, from one of `SIZES`."""
        place = SIZES.index(share)
        predictor = replace(self.fits[place].predictor, name=name)
        return np.array([predictor.combined(*both) for both in self.sides[place]])

    @cached_property
    def _estimates(self) -> dict[float, Reals]:
        return {share: self.estimates(share) for share in SIZES}

    def estimate(self, share: float, model: int) -> float:
        """Of a new model, from one of `SIZES`."""
        return float(self._estimates[share][model - self.world.setting.known])

    def race(self, error: float, model: int, bar: float, other: int) -> Verdict:
        """Racing alone."""
        del bar
        return self._raced(error, model, other, 0.0)

    def _raced(self, error: float, model: int, other: int, known: float) -> Verdict:
        """A race of a model of which a share of the answers, drawn at random, is known already."""
        ours, theirs = self.world.answers[[model, other]]
        order = item_order(ITEMS, stream(self.world.seed, "race", str(model)))
        stop = stopping_time(ours[order], theirs[order], ITEMS, error)
        if stop is None:
            return Verdict(1.0, float(self.world.full[model]), True)
        asked = min(-(-stop // BATCH) * BATCH, ITEMS)
        used = known + (1 - known) * asked / ITEMS
        return Verdict(used, float(ours[order[:asked]].mean()), False)

    def anchors(self, share: float, model: int, bar: float, other: int) -> Verdict:
        """Anchors alone: scores are estimates."""
        del other
        value = self.estimate(share, model)
        return Verdict(share, value, value >= bar)

    def looks(
        self, shares: Sequence[float], error: float, end: str, model: int, bar: float, other: int
    ) -> Verdict:
        """Block after block, until it is clear that the model is below the bar.

        Args:
            shares: Of `SIZES`.
            error: Of each look, and of the race.
            end: What then: "rest" asks all items, "race" races; "above" asks all, but stops as well
                when it is clear that the model is above the bar.
        """
        for share in shares:
            value, fit = self.estimate(share, model), self.fits[SIZES.index(share)]
            if value + fit.margin(bar, error) < bar:
                return Verdict(share, value, False)
            if end == "above" and value - replace(fit, above=-fit.above).margin(bar, error) > bar:
                return Verdict(share, value, True)
        if end == "race":
            return self._raced(error, model, other, shares[-1])
        return Verdict(1.0, float(self.world.full[model]), True)
