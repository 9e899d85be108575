"""Sampling of an archive by rank, as one of the ways of ShinkaEvolve (2025)."""

from collections.abc import Sequence

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, roulette, sound
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import State


class PowerLaw(WindowedBreeder):
    """The archive is the population."""

    name = "power_law"
    config: schema.PowerLaw

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`."""
        ranks = enumerate(ids(sound(members)), 1)
        weighed = [(name, rank**-self.config.alpha) for rank, name in ranks]
        return ids(roulette(weighed, 2, draws))
