"""A mixture of strategies, whose shares follow what their children gained.

Every part keeps a population by its own rules, and is told of all children, so that one builds on
what another found. A bandit by probability matching deals the children out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.configs import schema
from speciate.population.constraints import ROLES
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.selection import Ranked
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.cycle_qd import CycleQd
from speciate.population.strategies.darwin import Darwin
from speciate.population.strategies.m2n2 import M2n2
from speciate.population.strategies.map_elites import MapElites
from speciate.population.strategies.mate_choice import MateChoice
from speciate.population.strategies.novelty import Novelty
from speciate.population.strategies.power_law import PowerLaw
from speciate.population.strategies.random import Random
from speciate.population.strategies.steady_state import SteadyState
from speciate.population.strategies.window import Window
from speciate.records import Individual, Proposal, State

_PARTS: Mapping[str, type[Window]] = {
    one.name: one
    for one in (
        *(SteadyState, M2n2, MapElites, CycleQd, Darwin, PowerLaw, Novelty, MateChoice, Random),
    )
}


class Mixture(Window):
    """The memory holds members and memory of each part, and what it gained of late."""

    name = "mixture"
    config: schema.Mixture

    def __init__(self, config: schema.Mixture, *rest: Any) -> None:  # noqa: ANN401
        """See `Searcher`."""
        super().__init__(config, *rest)
        times = Counter(part.type for part in config.parts)
        self._parts = []
        for number, part in enumerate(config.parts):
            one = _PARTS[part.type](part, *rest)
            one.name = f"mixture.{part.type}" + (f".{number}" if times[part.type] > 1 else "")
            self._parts.append(one)

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        states = [part.start(founders) for part in self._parts]
        gains = [{"results": 0.0, "gained": 0.0} for _ in states]
        return self._joined(State(step=1), states, gains, {one.id: one for one in founders})

    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """See `Window.propose`."""
        draws = stream(self.seed, self.name, "part", str(state.asked))
        number = draws.choice(self.shares(state))
        part, own = self._parts[number], _own(state, number)
        return part.propose(own, part.ranked(own.members, known), known)

    def shares(self, state: State) -> list[float]:
        """Of the parts: alike, and by their mean gains."""
        count = len(self._parts)
        means = [one["gained"] / (one["results"] + 1) for one in state.memory["gains"]]
        total = sum(means)
        earned = [mean / total if total else 1 / count for mean in means]
        return [self.config.floor / count + (1 - self.config.floor) * x for x in earned]

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        gains = [dict(each) for each in state.memory["gains"]]
        for part, gain in zip(self._parts, gains, strict=True):
            if part.name == one.proposer:
                decay = self.config.decay
                gain["results"] = gain["results"] * decay + 1
                gain["gained"] = gain["gained"] * decay + self._gain(one, known)
        states = [
            part.entered(_own(state, number), one, known) for number, part in enumerate(self._parts)
        ]
        return self._joined(state, states, gains, known)

    def _gain(self, one: Individual, known: Known) -> float:
        """By how much a child is better than its best parent; 0 if it is not."""
        parents = {parent.id for parent in one.recipe.parents if parent.role in ROLES}
        worths = dict(self.ranked({one.id, *parents}, known))
        before = [worth for name, worth in worths.items() if name != one.id]
        return max(0.0, worths.get(one.id, 0.0) - max(before, default=0.0))

    def _joined(
        self,
        state: State,
        states: Sequence[State],
        gains: Sequence[Mapping[str, float]],
        known: Known,
    ) -> State:
        parts = [{"members": [*one.members], "memory": dict(one.memory)} for one in states]
        living = sorted({name for one in states for name in one.members})
        memory = {"parts": parts, "gains": [*gains]}
        return replace(state, members=ids(self.ranked(living, known)), memory=memory)


def _own(state: State, number: int) -> State:
    """The state as a part sees it."""
    part = state.memory["parts"][number]
    return replace(state, members=tuple(part["members"]), memory=part["memory"])
