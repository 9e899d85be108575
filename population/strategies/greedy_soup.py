"""Greedy soup: founders enter an average one by one, and stay in it if it gets better.

After recipe 1 of Wortsman et al., "Model soups" (2022). What is held out there is the search split
here.
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.strategies.breeder import Searcher, ids
from speciate.records import Individual, Proposal, State


class GreedySoup(Searcher):
    """The memory holds the order of the founders, who is in the soup, and the soup itself."""

    name = "greedy_soup"
    config: schema.GreedySoup

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return len(self.models)

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        known = {one.id: one for one in founders}
        order = ids(self.ranked(self.models, known))
        return replace(state, memory={"order": [*order], "kept": [order[0]], "soup": order[0]})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: the soup with the next founder."""
        if state.step >= self.steps:
            return None
        number, tried = state.asked, self._tried(state)
        draws = stream(self.seed, self.name, "proposal", str(number))
        recipe = self.crossed(number, tried, [1.0] * len(tried), draws)
        return (Proposal(number, recipe, self.name, f"soup of {len(tried)}"),)

    def _tried(self, state: State) -> list[str]:
        return [*state.memory["kept"], state.memory["order"][state.step]]

    def due(self, state: State) -> int:
        """See `Strategy.due`."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: a soup that is no better than the one before is not kept."""
        (one,) = born
        memory = dict(state.memory)
        pool = self.ranked([memory["soup"], one.id], known)
        if pool[0][0] == one.id and pool[0][1] > pool[-1][1]:
            memory |= {"soup": one.id, "kept": self._tried(state)}
        members = self.survivors(state.members, one, known)
        return replace(state, step=state.step + 1, members=members, memory=memory)
