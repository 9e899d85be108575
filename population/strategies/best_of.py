"""Best-of-N: the recipes that people try by hand, without any search."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations, islice

from speciate.configs import schema
from speciate.configs.operators import WITH_BASE
from speciate.configs.strategies.best_of import SHIPPED
from speciate.configs.strategies.common import ALL_CROSSOVERS, Crossover
from speciate.population.crossover import cross
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.selection import Ranked
from speciate.population.strategies.window import Window
from speciate.records import Proposal, State


class BestOf(Window):
    """All operators over all founders, then over all groups of one founder less, to the pairs.

    Operators that merge two models come with the pairs, but those of all founders if there are two.
    """

    name = "best_of"
    config: schema.BestOf

    @property
    def evaluations(self) -> int:
        """See `Window.evaluations`: a list has an end."""
        return len(self._list)

    @cached_property
    def _list(self) -> list[tuple[Crossover, tuple[str, ...]]]:
        return list(islice(self._recipes(), self.config.evaluations))

    def _recipes(self) -> Iterator[tuple[Crossover, tuple[str, ...]]]:
        without = WITH_BASE if self.base is None else frozenset()
        options = self.config.crossover or [one for one in SHIPPED if one.operator not in without]
        for size in range(len(self.models), 1, -1):
            for group in combinations(self.models, size):
                for option in options:
                    if size == 2 or ALL_CROSSOVERS[option.operator].models != "two":
                        yield option, group

    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """See `Window.propose`."""
        number = state.asked
        option, group = self._list[number]
        draws = stream(self.seed, self.name, "proposal", str(number))
        equal = [1.0] * len(group)
        recipe = cross([option], group, equal, self.base, draws, self.key(number))
        return Proposal(number, recipe, self.name, f"{option.operator} of {len(group)}")
