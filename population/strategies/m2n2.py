"""M2N2: niches by competition for items, and mates that make up for each other's weaknesses.

After Abrantes et al., "Competition and Attraction Improve Model Fusion" (2025). The split point is
that of the operator `split_point`.
"""

from collections.abc import Sequence

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.items import Floats, item_scores
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, sound
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import Contested
from speciate.records import State


class M2n2(Contested):
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
        drawn_by = shares.sum(axis=1)
        first = draws.choice(drawn_by.tolist())
        others = [place for place in range(len(names)) if place != first]
        attraction = np.maximum(0.0, shares - shares[first]).sum(axis=1)
        # Where nobody adds anything, whoever is fit will do.
        if self.config.attraction and attraction.any():
            drawn_by = attraction
        return names[first], names[others[draws.choice(drawn_by[others].tolist())]]

    def _shares(self, names: Sequence[str], known: Known) -> Floats:
        """What each has of each item, the more the fewer others have it: (members, items)."""
        scores, weights = item_scores(names, known, self.goals)
        total = scores.sum(axis=0) ** self.config.alpha
        shares: Floats = weights * scores
        shares /= np.where(total > 0, total, 1.0)
        return shares

    def leaving(self, worst_first: Sequence[str], known: Known) -> str:
        """Who has least; of equals the least fit."""
        return worst_first[int(np.argmin(self._shares(worst_first, known).sum(axis=1)))]
