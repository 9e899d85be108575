"""Novelty search: selection by how unlike others one behaves, item by item.

After Lehman and Stanley, "Abandoning objectives" (2011). Distance is between scores on items; the
champion of a campaign is the fittest all the same.
"""

from collections.abc import Sequence

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.items import Floats, item_scores
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, ranked, sound, tournament
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import Contested
from speciate.records import State


class Novelty(Contested):
    """Parents win tournaments of novelty, and the least novel leaves."""

    name = "novelty"
    config: schema.Novelty

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`."""
        names = ids(sound(members))
        pool = ranked(list(zip(names, self.novelty(names, known).tolist(), strict=True)))
        return ids(tournament(pool, 2, self.config.tournament, draws))

    def novelty(self, names: Sequence[str], known: Known) -> Floats:
        """Mean distance of each to the k nearest of the others."""
        scores, weights = item_scores(names, known, self.goals)
        placed = scores * np.sqrt(weights)
        apart: Floats = np.sqrt(((placed[:, None] - placed[None]) ** 2).sum(axis=2))
        nearest = np.sort(apart, axis=1)[:, 1 : self.config.neighbours + 1]
        return nearest.mean(axis=1) if nearest.size else np.zeros(len(names))

    def leaving(self, worst_first: Sequence[str], known: Known) -> str:
        """The least novel but for the elite; of equals the least fit."""
        kept = len(worst_first) - self.config.elite
        novelty = self.novelty(worst_first, known)[:kept]
        return worst_first[int(np.argmin(novelty))] if len(novelty) else worst_first[0]
