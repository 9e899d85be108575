"""What candidates are estimated by: fits to the archive as it was when they were proposed."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from speciate.configs import schema
from speciate.evaluator.estimate import MARK, Estimate, Look
from speciate.evaluator.items import Reals
from speciate.evaluator.items.calibration import Calibrated, CrossFit, abilities
from speciate.evaluator.items.calibration import Known as Answered
from speciate.evaluator.items.pool import Pool
from speciate.nursery import Known
from speciate.population.randomness import stream
from speciate.records import FOUNDER, Individual, Proposal

# Of more, a fit would take longer than it gains.
MOST = 200


class Fits:
    """Makes each fit once.

    A fit depends on the config and on who was born before a step, so after a restart it is the
    same.
    """

    def __init__(self, config: schema.Campaign) -> None:
        """Of a campaign that estimates."""
        if config.estimate is None:
            raise ValueError("the campaign does not estimate")
        self._config, self._settings = config, config.estimate
        self._weights = {task.name: task.weight for task in config.tasks if task.weight > 0}
        self._fits: dict[int, Sequence[Calibrated]] = {}

    def drawn(self, name: str) -> bool:
        """Whether a candidate is scored in full whatever its estimate."""
        draws = stream(self._config.seed, "estimate", "full", name)
        return bool(draws.uniform(1)[0] < self._settings.full)

    def estimate(self, proposal: Proposal, known: Known) -> Estimate:
        """What a candidate that has a fit and a bar must show.

        Args:
            proposal: The candidate's.
            known: All who were born before it was proposed.
        """
        fits, bar = self._fit(int(proposal.fit or 0), known), str(proposal.bar)
        first = fits[0].predictor
        parents = abilities(first, self._parents(proposal, known, first.pool))
        reach = known[bar].fitness
        error = self._settings.error
        looks = [Look(fit.predictor, fit.margin(reach, error)) for fit in fits]
        return Estimate(looks, parents, bar, reach)

    def facts(self, proposal: Proposal, one: Individual, known: Known) -> dict[str, Any]:
        """What became of a candidate that has a fit, for the telemetry."""
        facts = {
            "estimated": one.id,
            "drawn": self.drawn(one.id),
            "turned_away": str(one.error).startswith(MARK),
        }
        if one.evaluation is None:
            return facts
        terms = self.estimate(proposal, known)
        answers = self._answers(one, terms.looks[0].predictor.pool)
        return facts | {
            "estimates": [
                look.predictor.estimate(answers[look.predictor.asked], terms.parents)
                for look in terms.looks
            ],
            "margins": [
                look.margin if math.isfinite(look.margin) else None for look in terms.looks
            ],
            "reach": terms.reach,
            "fitness": one.fitness,
        }

    def _fit(self, step: int, known: Known) -> Sequence[Calibrated]:
        if step not in self._fits:
            self._fits[step] = self._made(step, known)
        return self._fits[step]

    def _made(self, step: int, known: Known) -> Sequence[Calibrated]:
        scored = [one for one in known.values() if one.step < step and one.evaluation]
        scored.sort(key=lambda one: (one.step, one.id))
        first = self._first(scored)
        scored = scored[-MOST:]
        evaluation = scored[0].evaluation
        scores = evaluation.scores if evaluation else {}
        sizes = {task: len(scores[task].items) for task in self._weights}
        pool = Pool.weighted(sizes, self._weights)
        answered = [
            Answered(
                self._answers(one, pool),
                self._parents(one, known, pool),
                counts=one.proposer != FOUNDER and (one.step < first or self.drawn(one.id)),
            )
            for one in scored
        ]
        settings, seed = self._settings, self._config.seed
        draws = partial(stream, seed, "estimate", str(step))
        fitted = CrossFit.of(answered, pool, settings.dimensions, draws)
        return [
            fitted.calibrated(settings.estimator, share, settings.choice, draws)
            for share in settings.anchors
        ]

    def _first(self, scored: list[Individual]) -> int:
        """The first step whose children may have been estimated."""
        last = scored[self._settings.models - 1].step
        return (last // self._settings.refit + 1) * self._settings.refit

    def _parents(self, one: Individual | Proposal, known: Known, pool: Pool) -> list[Reals]:
        found = [known[parent.id] for parent in one.recipe.parents]
        return [self._answers(parent, pool) for parent in found if parent.evaluation]

    def _answers(self, one: Individual, pool: Pool) -> Reals:
        scores: Mapping[str, Any] = one.evaluation.scores if one.evaluation else {}
        return pool.joined({task: scores[task].items for task in self._weights})
