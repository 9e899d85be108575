"""Top-k greedy merging with model kinship: the best with the best, and with the least akin.

After Hu et al., "Exploring Model Kinship for Merging Large Language Models" (2024): merging only
the best makes them alike until no merge gains anything; a mate of little kinship leads on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Goals, Known
from speciate.population.kinship import Kin
from speciate.population.randomness import stream
from speciate.population.selection import Ranked, tournament
from speciate.population.strategies.breeder import Breeder, distinct, ids
from speciate.records import Individual, Proposal, State

_DECIMALS = 6
_FRIENDS, _STRANGERS = "crossover of the best", "crossover of little kinship"


class Kinship(Breeder):
    """(mu + lambda) evolution with mu = lambda = N, whose pairs are chosen and not drawn.

    The memory holds the kinship of the living and the founders, as it was measured when they
    became the living; which pairs of them were merged; and for how many rounds nobody came in.
    """

    name = "kinship"
    config: schema.Kinship

    def __init__(
        self,
        config: schema.Kinship,
        seed: int,
        base: str | None,
        models: Sequence[str],
        goals: Goals | None,
        kin: Kin,
    ) -> None:
        """Takes besides who tells how akin individuals are."""
        super().__init__(config, seed, base, models, goals)
        self._kin = kin

    @property
    def steps(self) -> int:
        """See `Strategy.steps`: if it does not end early."""
        return 1 + self.config.generations

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        facts = self._measured(state.members, {one.id: one for one in founders})
        return replace(state, memory={"merged": [], "unchanged": 0, "kinship": facts})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: a round of N children, the first ones those of the founding."""
        memory = state.memory
        if state.step >= self.steps or memory["unchanged"] >= self.config.patience:
            return None
        members = self.ranked(state.members, known)
        numbers = range(state.asked, state.asked + self.config.population)
        founding = [number for number in numbers if number < len(self._founding)]
        if not founding and self._alike(state):
            return None
        pairs = self._pairs(state, members, len(numbers) - len(founding))
        return (
            *(self.bred(number, lambda _: ()) for number in founding),
            *(
                self._child(number, *pair)
                for number, pair in zip(numbers[len(founding) :], pairs, strict=True)
            ),
        )

    def due(self, state: State) -> int:
        """See `Strategy.due`: a round is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: the N best of members and children live."""
        children = distinct(born, state.members, known)
        pool = self.ranked([*state.members, *(one.id for one in children)], known)
        survivors = ids(pool)[: self.config.population]
        members = ids(self.ranked(survivors, known))
        same = set(members) == set(state.members)
        memory = {
            "merged": self._merged(state, born, members),
            "unchanged": state.memory["unchanged"] + 1 if same else 0,
            "kinship": state.memory["kinship"] if same else self._measured(members, known),
        }
        return replace(state, step=state.step + 1, members=members, memory=memory)

    def _measured(self, members: Sequence[str], known: Known) -> dict[str, Any]:
        """A fact to be archived: weights need not be read again to go on."""
        names = list(dict.fromkeys([*members, *self.models]))
        matrix = self._kin(names, known).matrix(self.config.measure)
        rows = [
            [None if np.isnan(value) else round(value, _DECIMALS) for value in row[:place]]
            for place, row in enumerate(matrix.tolist())
        ]
        return {"ids": names, "below": rows}

    def _alike(self, state: State) -> bool:
        """Whether merging the living with each other has little left to gain."""
        values = list(_between(state.memory["kinship"], state.members).values())
        return bool(values) and sum(values) / len(values) > self.config.stop_above

    def _pairs(
        self, state: State, members: Sequence[Ranked], count: int
    ) -> list[tuple[Sequence[str], str]]:
        """Whom to merge, and why: first the best with each other, then strangers."""
        strangers = self._strangers(state, members, round(self.config.explore * count))
        friends = self._friends(state, members, count - len(strangers))
        return [(pair, _FRIENDS) for pair in friends] + strangers

    def _friends(
        self, state: State, members: Sequence[Ranked], count: int
    ) -> list[tuple[str, ...]]:
        """Pairs of the best: those first that were merged least often, then by their ranks."""
        names = ids(members)
        if len(names) < 2:
            return [tuple(names)] * count
        merged = Counter(map(tuple, state.memory["merged"]))
        places = sorted(
            combinations(range(len(names)), 2),
            key=lambda pair: (merged[_pair(names[pair[0]], names[pair[1]])], sum(pair), pair),
        )
        pairs = [(names[one], names[two]) for one, two in places]
        return [pairs[place % len(pairs)] for place in range(count)]

    def _strangers(
        self, state: State, members: Sequence[Ranked], count: int
    ) -> list[tuple[Sequence[str], str]]:
        """Winners of tournaments, each with whoever is least akin to it, living or founder."""
        draws = stream(self.seed, self.name, str(state.step), "strangers")
        winners = ids(tournament(members, count, self.config.tournament, draws))
        found: list[tuple[Sequence[str], str]] = []
        for name in winners:
            kinship = _to(state.memory["kinship"], name)
            if kinship:
                mate = min(kinship, key=lambda other: (kinship[other], other))
                found.append(((name, mate), f"{_STRANGERS}, {kinship[mate]:.3f}"))
        return found

    def _child(self, number: int, parents: Sequence[str], why: str) -> Proposal:
        draws = stream(self.seed, self.name, "proposal", str(number))
        recipe, reason = self._offspring(number, parents, draws)
        return Proposal(number, recipe, self.name, why if reason == "crossover" else reason)

    def _merged(
        self, state: State, born: Sequence[Individual], members: Sequence[str]
    ) -> list[list[str]]:
        """Pairs of the living that were merged, as often as they were."""
        pairs: list[list[str]] = list(state.memory["merged"])
        for one in born:
            models = {*one.recipe.with_role("model"), *one.recipe.with_role("adapter")}
            pairs += [sorted(models)] if len(models) == 2 else []
        return [pair for pair in pairs if set(pair) <= set(members)]


def _pair(one: str, two: str) -> tuple[str, str]:
    return (one, two) if one < two else (two, one)


def _below(facts: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Recorded kinship by pairs, as far as it is defined."""
    names = facts["ids"]
    return {
        _pair(names[row], names[column]): value
        for row, values in enumerate(facts["below"])
        for column, value in enumerate(values)
        if value is not None
    }


def _between(facts: Mapping[str, Any], names: Sequence[str]) -> dict[tuple[str, str], float]:
    """Of some of them with each other."""
    return {pair: value for pair, value in _below(facts).items() if set(pair) <= set(names)}


def _to(facts: Mapping[str, Any], name: str) -> dict[str, float]:
    """Of all others with one."""
    return {
        two if one == name else one: value
        for (one, two), value in _below(facts).items()
        if name in (one, two)
    }
