"""Asynchronous steady state: children enter the population one by one, while others are scored.

Aging is that of Real et al., "Regularized Evolution for Image Classifier Architecture Search"
(2019).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, tournament
from speciate.population.strategies.breeder import distinct, ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, Proposal, State


class SteadyState(WindowedBreeder):
    """(mu + 1) evolution, by fitness or by fronts; children may be raced."""

    name = "steady_state"
    config: schema.SteadyState

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: fills the window."""
        asked = super().ask(state, known)
        if not asked:
            return asked
        bar = self._bar(self.ranked(state.members, known))
        fit = self._fit(state.step, known) if bar else None
        return tuple(replace(one, bar=bar, fit=fit) for one in asked)

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`: winners of tournaments."""
        return ids(tournament(members, 2, self.config.tournament, draws))

    def _bar(self, members: Sequence[Ranked]) -> str | None:
        """Whose fitness a child must reach to live: the worst member's, who can only get better.

        If that one breaks a constraint, a child of lower fitness may stand before it.
        """
        if not (self.config.race or self.config.estimate) or len(members) < self.config.population:
            return None
        worst, worth = members[-1]
        return worst if worth >= 0 else None

    def _fit(self, step: int, known: Known) -> int | None:
        """Up to which step a child is estimated by what was born; by no result in its window."""
        if self.config.estimate is None:
            return None
        last = step - step % self.config.estimate.refit
        scored = (one for one in known.values() if one.step < last and one.evaluation)
        enough = self.config.estimate.models
        return last if len(list(islice(scored, enough))) == enough else None

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        if self.config.replace == "worst":
            return super().entered(state, one, known)
        if not distinct([one], state.members, known):
            return state
        pool = self.ranked([*state.members, one.id], known)
        if len(pool) > self.config.population:
            leaving = self._leaving(pool, known)
            pool = self.ranked([name for name in ids(pool) if name != leaving], known)
        return replace(state, members=ids(pool))

    def _leaving(self, pool: Sequence[Ranked], known: Known) -> str:
        """The oldest, but before it whoever breaks constraints the most."""
        return max(
            reversed(ids(pool)),
            key=lambda name: (self.goals.excess(known[name], known), -known[name].step),
        )
