"""MAP-Elites: an archive of the fittest of every niche, all of which breed.

After Mouret and Clune, "Illuminating search spaces by mapping elites" (2015). The archive is a
mapping in the memory, from niches to ids.
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.niches import cell, edges
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked
from speciate.population.strategies.breeder import distinct, ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, State


class MapElites(WindowedBreeder):
    """Parents are any two elites, all as likely."""

    name = "map_elites"
    config: schema.MapElites

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        known = {one.id: one for one in founders}
        models = [known[name] for name in self.models]
        memory = {"edges": edges(models, self.config.behaviours), "cells": {}}
        state = State(step=1, memory=memory)
        for one in models:
            state = self.entered(state, one, known)
        return state

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`."""
        return draws.shuffle(ids(members))[:2]

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`: a child takes its niche if nobody better holds it."""
        if not distinct([one], state.members, known):
            return state
        config, memory = self.config, state.memory
        niche = cell(one, config.behaviours, memory["edges"], config.bins)
        holder = memory["cells"].get(niche)
        if holder and not self.better(one.id, holder, known):
            return state
        cells = dict(memory["cells"]) | {niche: one.id}
        members = ids(self.ranked(cells.values(), known))
        return replace(state, members=members, memory={**memory, "cells": cells})

    def better(self, one: str, other: str, known: Known) -> bool:
        """Whether one is worth more than another."""
        pool = self.ranked([one, other], known)
        return pool[0][0] == one and pool[0][1] > pool[-1][1]
