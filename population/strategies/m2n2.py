"""M2N2: niches by competition for items, and mates that make up for each other's weaknesses.

After Abrantes et al., "Competition and Attraction Improve Model Fusion" (2025). The split point is
that of the operator `split_point`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.items import Floats, item_scores
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, sound
from speciate.population.strategies.breeder import distinct, ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, State


class M2n2(WindowedBreeder):
    """Steady state: a child enters, and whoever then has the least of all items leaves."""

    name = "m2n2"
    config: schema.M2n2

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`: the first by shared fitness, its mate by attraction."""
        names = ids(sound(members))
        if len(names) < 2:
            return names
        shares = self._shares(names, known)
        first = draws.choice(shares.sum(axis=1).tolist())
        others = [place for place in range(len(names)) if place != first]
        drawn_by = shares.sum(axis=1)
        attraction = np.maximum(0.0, shares - shares[first]).sum(axis=1)
        # Where nobody adds anything, whoever is fit will do.
        if self.config.attraction and attraction.any():
            drawn_by = attraction
        return names[first], names[others[draws.choice(drawn_by[others].tolist())]]

    def _shares(self, names: Sequence[str], known: Known) -> Floats:
        """What each has of each item, the more the fewer others have it: (members, items)."""
        scores, weights = item_scores(names, known, self.goals)
        total = scores.sum(axis=0) ** self.config.alpha
        shares: Floats = weights * scores / np.where(total > 0, total, 1.0)
        return shares

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        if not distinct([one], state.members, known):
            return state
        pool = self.ranked([*state.members, one.id], known)
        if len(pool) > self.config.population:
            leaving = self._leaving(pool, known)
            pool = [entry for entry in pool if entry[0] != leaving]
        return replace(state, members=ids(pool))

    def _leaving(self, pool: Sequence[Ranked], known: Known) -> str:
        """Who has least; of equals the least fit. Who breaks constraints, before anybody."""
        if pool[-1][1] < 0:
            return pool[-1][0]
        worst_first = ids(pool)[::-1]
        return worst_first[int(np.argmin(self._shares(worst_first, known).sum(axis=1)))]
