"""Islands within one campaign: populations that breed apart, and exchange their best at times.

Children are dealt to the islands in turn and stay there. Nobody is moved: migrants are copies.
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked, tournament
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, State

Islands = list[list[str]]


class Archipelago(WindowedBreeder):
    """The memory holds members and staleness of each island, and the number of results told."""

    name = "archipelago"
    config: schema.Archipelago

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`: all islands begin with the founders."""
        state, count = super().start(founders), self.config.islands
        memory = {"islands": [[*state.members]] * count, "stale": [0] * count, "told": 0}
        return replace(state, memory=memory)

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`: of the island whose turn it is."""
        island = state.memory["islands"][state.asked % self.config.islands]
        pool = [entry for entry in members if entry[0] in island]
        return ids(tournament(pool, 2, self.config.tournament, draws))

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        config, told = self.config, state.memory["told"]
        islands: Islands = [[*island] for island in state.memory["islands"]]
        stale, here = [*state.memory["stale"]], told % config.islands
        before = islands[here]
        islands[here] = [*self.survivors(before, one, known)]
        stale[here] = 0 if islands[here][0] != before[0] else stale[here] + 1
        if config.patience and stale[here] >= config.patience:
            islands, stale[here] = self._respawned(islands, here, told, known), 0
        if (told + 1) % config.interval == 0:
            islands = self._migrated(islands, known)
        living = {name for island in islands for name in island}
        memory = {"islands": islands, "stale": stale, "told": told + 1}
        return replace(state, members=ids(self.ranked(sorted(living), known)), memory=memory)

    def _migrated(self, islands: Islands, known: Known) -> Islands:
        """The best of each island, as they were before, come to the next one in a ring."""
        after = []
        for number, island in enumerate(islands):
            for name in islands[number - 1][: self.config.migrants]:
                island = [*self.survivors(island, known[name], known)]
            after.append(island)
        return after

    def _respawned(self, islands: Islands, here: int, told: int, known: Known) -> Islands:
        """One island begun again with the founders and one of another; not the best island.

        That is the first of those that have the best member.
        """
        best = ids(self.ranked({island[0] for island in islands}, known))[0]
        if here == next(n for n, island in enumerate(islands) if island[0] == best):
            return islands
        others = sorted({name for n, island in enumerate(islands) if n != here for name in island})
        draws = stream(self.seed, self.name, "respawn", str(told))
        settler = others[draws.integer(len(others))]
        pool = self.ranked({*self.models, settler}, known)[: self.config.population]
        fresh = [settler, *(name for name in ids(pool) if name != settler)]
        ranks = ids(self.ranked(fresh[: self.config.population], known))
        return [[*ranks] if n == here else island for n, island in enumerate(islands)]
