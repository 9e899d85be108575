"""Frank-Wolfe merging, by evaluations only.

After Chen et al., "FW-Merging" (2025). There a gradient tells which founder the merge should move
towards; here a step towards each is scored. The merge is always a weighted average of founders.
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.strategies.breeder import Searcher, ids
from speciate.records import Individual, Proposal, State


class FrankWolfe(Searcher):
    """The memory holds the merge, its weights, and the rounds done."""

    name = "frank_wolfe"
    config: schema.FrankWolfe

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + self.config.rounds

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        best = ids(self.ranked(self.models, {one.id: one for one in founders}))[0]
        weights = [float(name == best) for name in self.models]
        return replace(state, memory={"current": best, "weights": weights, "round": 0})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: a step towards each founder that the merge does not consist of."""
        if state.step >= self.steps:
            return None
        return tuple(
            self._step(number, self._moved(state, founder))
            for number, founder in enumerate(self._directions(state), state.asked)
        )

    def _directions(self, state: State) -> list[int]:
        return [n for n, weight in enumerate(state.memory["weights"]) if weight < 1]

    def _moved(self, state: State, founder: int) -> list[float]:
        step = 2 / (state.memory["round"] + 4)
        weights = [(1 - step) * weight for weight in state.memory["weights"]]
        weights[founder] += step
        return weights

    def _step(self, number: int, weights: Sequence[float]) -> Proposal:
        parts = [(name, x) for name, x in zip(self.models, weights, strict=True) if x > 0]
        draws = stream(self.seed, self.name, "proposal", str(number))
        recipe = self.crossed(number, [name for name, _ in parts], [x for _, x in parts], draws)
        return Proposal(number, recipe, self.name, "step")

    def due(self, state: State) -> int:
        """See `Strategy.due`: a round is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: the best step is taken if it leads up; the next are shorter."""
        memory = dict(state.memory) | {"round": state.memory["round"] + 1}
        current = memory["current"]
        pool = self.ranked({current, *(one.id for one in born)}, known)
        worths = dict(pool)
        best = pool[0][0]
        if worths[best] > worths[current]:
            place = [one.id for one in born].index(best)
            founder = self._directions(state)[place]
            memory |= {"current": best, "weights": self._moved(state, founder)}
        members = state.members
        for one in born:
            members = self.survivors(members, one, known)
        return replace(state, step=state.step + 1, members=members, memory=memory)
