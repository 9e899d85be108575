"""Mate choice by preferences that evolve: each individual has a taste, which its children inherit.

After Simoes et al., "All You Need Is Sex for Diversity" (2023), where a taste is an ideal mate;
here it is how much a score on each task counts, which may be less than nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.items import task_scores
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked, sound, tournament
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, State

Tastes = Mapping[str, Sequence[float]]


class MateChoice(WindowedBreeder):
    """The memory holds the tastes of members, and of parents of children that are under way."""

    name = "mate_choice"
    config: schema.MateChoice

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        known = {one.id: one for one in founders}
        size = len(self._scores(self.models, known)[0])
        return replace(
            state, memory={"tastes": {name: self._own(name, size) for name in self.models}}
        )

    def _own(self, name: str, size: int) -> list[float]:
        """A taste of nobody's: uniform in [-1, 1]."""
        drawn = stream(self.seed, self.name, "taste", name).uniform(size)
        return (2 * drawn - 1).tolist()  # type: ignore[no-any-return]

    def _scores(self, names: Sequence[str], known: Known) -> np.ndarray:
        return task_scores(names, known, self.goals)

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`: the first wins a tournament, and chooses."""
        pool = sound(members)
        (first,) = ids(tournament(pool, 1, self.config.tournament, draws))
        others = [name for name in ids(pool) if name != first]
        suitors = draws.shuffle(others)[: self.config.suitors]
        if not suitors:
            return (first,)
        names = ids(pool)
        liked = self._scores(names, known) @ np.array(state.memory["tastes"][first])
        return first, max(suitors, key=lambda name: (liked[names.index(name)], name))

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: tastes are forgotten when nobody can inherit them any more."""
        after = super().tell(state, born, known)
        needed = {*after.members, *self.models}
        needed |= {parent.id for one in state.pending for parent in one.recipe.parents}
        tastes = {n: taste for n, taste in after.memory["tastes"].items() if n in needed}
        return replace(after, memory={"tastes": tastes})

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        after = super().entered(state, one, known)
        if one.id not in after.members:
            return after
        tastes = after.memory["tastes"]
        return replace(after, memory={"tastes": {**tastes, one.id: self._inherited(one, tastes)}})

    def _inherited(self, one: Individual, tastes: Tastes) -> list[float]:
        """The mean of the parents' tastes, a little off."""
        names = sorted({parent.id for parent in one.recipe.parents})
        known = [tastes[name] for name in names if name in tastes]
        size = len(next(iter(tastes.values())))
        mean = np.mean(known, axis=0) if known else np.array(self._own(one.id, size))
        noise = stream(self.seed, self.name, "drift", one.id).normal((size,)).double().numpy()
        found: list[float] = np.clip(mean + self.config.drift * noise, -1, 1).tolist()
        return found
