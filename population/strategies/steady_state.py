"""Asynchronous steady state: children enter the population one by one, while others are scored.

No generation waits for its slowest child. Usually that makes a search depend on who finishes
first; here results are taken in the order in which the children were proposed, and a bounded
number of children is under way, so that a campaign has one course on any cluster. Aging is that of
Real et al., "Regularized Evolution for Image Classifier Architecture Search" (2019).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.selection import Ranked
from speciate.population.strategies.breeder import Breeder, distinct, ids
from speciate.records import Individual, Proposal, State


class SteadyState(Breeder):
    """(mu + 1) evolution with a window of children whose results are not known yet.

    With a lag of L and batches of B, the proposal of number n is made when the results of all
    those before n - L + 1 are known, rounded up to a multiple of B, and of no others.
    """

    name = "steady_state"
    config: schema.SteadyState

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + -(-self.config.evaluations // self.config.batch)

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: fills the window."""
        if state.asked >= self.config.evaluations and not state.pending:
            return None
        members = self.ranked(state.members, known)
        room = self.config.lag - len(state.pending)
        end = min(state.asked + room, self.config.evaluations)
        proposals = [self.proposal(number, members) for number in range(state.asked, end)]
        bar = self._bar(members)
        fit = self._fit(state.step, known) if bar else None
        return tuple(replace(one, bar=bar, fit=fit) for one in proposals)

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

    def due(self, state: State) -> int:
        """See `Strategy.due`."""
        return min(self.config.batch, len(state.pending))

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: one after the other, so that batches change nothing here."""
        members = state.members
        for one in born:
            members = self._entered(members, one, known)
        return replace(state, step=state.step + 1, members=members)

    def _entered(self, members: Sequence[str], one: Individual, known: Known) -> tuple[str, ...]:
        """The members after a child was born; weights that live already do not come in again."""
        if not distinct([one], members, known):
            return tuple(members)
        pool = self.ranked([*members, one.id], known)
        if len(pool) > self.config.population:
            leaving = self._leaving(pool, known)
            pool = self.ranked([name for name in ids(pool) if name != leaving], known)
        return ids(pool)

    def _leaving(self, pool: Sequence[Ranked], known: Known) -> str:
        """The worst; or the oldest, but before it whoever breaks constraints the most."""
        if self.config.replace == "worst":
            return pool[-1][0]
        return max(
            reversed(ids(pool)),
            key=lambda name: (self.goals.excess(known[name], known), -known[name].step),
        )
