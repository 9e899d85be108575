"""How far estimates are off, told by models that are left out of the fit.

Margins are conformal: the quantile of what models that were left out score above their estimates
(cross-conformal prediction, Vovk, 2015). Estimates of good models are too low more often than those
of poor ones. So the quantile is taken over models whose fitness is nearest to the bar, corrected by
the trend among these. Otherwise nothing is assumed but that candidates to come are like them. Who
was scored in full because its estimate was high does not count: among these, estimates are too high
rather than too low.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from speciate.evaluator.items import Reals, Stream
from speciate.evaluator.items.estimators import measured_mixing
from speciate.evaluator.items.irt import ItemModel, fit
from speciate.evaluator.items.pool import Pool
from speciate.evaluator.items.predictor import Predictor
from speciate.evaluator.items.tuning import ITERATIONS, tuned_spread

FOLDS = 5
# Models near the bar that a margin is taken over, in units of the fewest that can tell one.
NEAR = 2


@dataclass(frozen=True)
class Known:
    """A model of which all answers are known.

    Attributes:
        answers: Float64 of shape (N,).
        parents: Answers of each parent.
        counts: Whether it tells how far estimates are off.
    """

    answers: Reals
    parents: Sequence[Reals] = ()
    counts: bool = True


@dataclass(frozen=True)
class Calibrated:
    """An estimator, and how far it was off on models that it was not fitted to.

    Attributes:
        fitness: Of these models, float64 of shape (n,).
        above: By how much that is above the estimate, of the same shape.
    """

    predictor: Predictor
    fitness: Reals
    above: Reals

    def margin(self, reach: float, error: float) -> float:
        """What a model that is as good as a bar scores above its estimate at most, but for `error`.

        Args:
            reach: Fitness of the bar.
            error: Probability, over models as good as that, in (0, 1).

        Returns:
            0 or more; infinite if there are too few models.
        """
        # The slack keeps a whole number from being rounded up.
        fewest = math.ceil(1 / error - 1e-9) - 1
        nearest = np.argsort(np.abs(self.fitness - reach), kind="stable")[: NEAR * fewest + 1]
        place = math.ceil((len(nearest) + 1) * (1 - error) - 1e-9)
        if place > len(nearest):
            return math.inf
        fitness, above = self.fitness[nearest], self.above[nearest]
        moved = above + _slope(fitness, above) * (reach - fitness)
        return max(0.0, float(np.sort(moved)[place - 1]))


def _slope(fitness: Reals, above: Reals) -> float:
    """By how much more an estimate is too low for a better model; not less than 0."""
    away = fitness - fitness.mean()
    spread = float((away**2).sum())
    return max(0.0, float((away * above).sum()) / spread) if spread > 0 else 0.0


@dataclass(frozen=True)
class CrossFit:
    """Items fitted to all known models, and, for each fold, to the others.

    Attributes:
        items: Of the fit to all.
        folds: Numbers of the models left out, and the items fitted without them.
    """

    known: Sequence[Known]
    pool: Pool
    items: ItemModel
    folds: Sequence[tuple[Sequence[int], ItemModel]]

    @classmethod
    def of(
        cls, known: Sequence[Known], pool: Pool, dimensions: int, stream: Callable[[str], Stream]
    ) -> "CrossFit":
        """Fits.

        Args:
            known: M models.
            pool: Their items.
            dimensions: Of ability.
            stream: Random numbers by name.

        Raises:
            ModelError: There are too few models, in all or without a fold.
            TaskError: There are too few items, or an answer is not in [0, 1].
        """
        answers = np.array([one.answers for one in known])
        spread = tuned_spread(answers, dimensions, stream("spread"))
        order = stream("folds").shuffle(range(len(known)))
        folds = []
        for start in range(FOLDS):
            out = sorted(order[start::FOLDS])
            rest = np.delete(answers, out, axis=0)
            folds.append((out, fit(rest, dimensions, spread, ITERATIONS).items))
        return cls(known, pool, fit(answers, dimensions, spread).items, folds)

    def calibrated(
        self, name: str, share: float, choice: str, stream: Callable[[str], Stream]
    ) -> Calibrated:
        """An estimator with anchors and mixing constant.

        Args:
            name: Of `estimators.NAMES`.
            share: Of the items of each task.
            choice: "random" or "cluster".
            stream: Random numbers by name.
        """

        def made(items: ItemModel) -> Predictor:
            anchors = self.pool.anchors(share, choice, items, stream("anchors"))
            return Predictor(name, self.pool, items, anchors)

        sides, fitness = [], []
        for out, items in self.folds:
            left = made(items)
            for one in (self.known[number] for number in out):
                if one.counts:
                    sides.append(left.sides(one.answers[left.asked], abilities(left, one.parents)))
                    fitness.append(self.pool.fitness(one.answers))
        if not sides:
            return Calibrated(made(self.items), np.zeros(0), np.zeros(0))
        by_weights, by_model = np.array(sides).T
        mixing = measured_mixing(by_weights, by_model, fitness)
        found = replace(made(self.items), mixing=mixing)
        above = np.array(fitness) - [found.combined(*both) for both in sides]
        return Calibrated(found, np.array(fitness), above)


def abilities(predictor: Predictor, parents: Sequence[Reals]) -> Reals:
    """Of models that were asked all items, float64 of shape (K, D)."""
    found = [predictor.ability(answers) for answers in parents]
    return np.array(found).reshape(len(parents), predictor.items.alpha.shape[1])
