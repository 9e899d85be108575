"""Random search: merges of random founders, whatever came of the merges before."""

from collections.abc import Sequence

from speciate.configs import schema
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.population.crossover import cross
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.selection import Ranked
from speciate.population.strategies.window import Window
from speciate.records import Proposal, State


class Random(Window):
    """An operator by its share, how many founders (2 to all), which, and how much of each."""

    name = "random"
    config: schema.Random

    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """See `Window.propose`."""
        number = state.asked
        draws = stream(self.seed, self.name, "proposal", str(number))
        options = self.config.crossover
        option = options[draws.choice([one.share for one in options])]
        two = ALL_CROSSOVERS[option.operator].models == "two"
        size = 2 if two else 2 + draws.integer(len(self.models) - 1)
        parents = draws.shuffle(self.models)[:size]
        weights = draws.uniform(size).tolist()
        recipe = cross([option], parents, weights, self.base, draws, self.key(number))
        return Proposal(number, recipe, self.name, "random")
