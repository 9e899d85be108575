"""NSGA-II: generations that are ranked by Pareto fronts, and within a front by crowding.

After Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II" (2002).
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream
from speciate.population.selection import tournament
from speciate.population.strategies.breeder import Breeder, distinct, ids
from speciate.records import Individual, Proposal, State


class Nsga2(Breeder):
    """(mu + lambda) evolution with mu = lambda = N; the first children are those of the founding.

    Founders live on for as long as no merge is better: experts are often the ends of the front.
    """

    name = "nsga2"
    config: schema.Nsga2

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + self.config.generations

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: a generation of N children."""
        if state.step >= self.steps:
            return None
        members = self.ranked(state.members, known)
        numbers = range(state.asked, state.asked + self.config.population)

        def pair(draws: Stream) -> Sequence[str]:
            return ids(tournament(members, 2, self.config.tournament, draws))

        return tuple(self.bred(number, pair) for number in numbers)

    def due(self, state: State) -> int:
        """See `Strategy.due`: a generation is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: the N best of members and children live."""
        children = distinct(born, state.members, known)
        pool = self.ranked([*state.members, *(one.id for one in children)], known)
        survivors = ids(pool)[: self.config.population]
        members = ids(self.ranked(survivors, known))
        return replace(state, step=state.step + 1, members=members)
