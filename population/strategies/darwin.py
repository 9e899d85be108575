"""Sampling of an archive as the Darwin Goedel Machine does: good ones with few children first.

After Zhang et al. (2025); the form with median and deviation is that of ShinkaEvolve (2025).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from speciate.configs import schema
from speciate.population.constraints import ROLES
from speciate.population.goals import Known
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked, roulette, sound
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.window import WindowedBreeder
from speciate.records import Individual, Recipe, State

_LEAST = 1e-6
_STEEPEST = 50.0  # Beyond, the sigmoid is 0 or 1 to all digits.


class Darwin(WindowedBreeder):
    """The memory counts the children of members, failed ones too; those pending count as well."""

    name = "darwin"
    config: schema.Darwin

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        return replace(super().start(founders), memory={"children": {}})

    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """See `WindowedBreeder.parents`."""
        children = Counter(state.memory["children"])
        for proposal in state.pending:
            children.update(_parents(proposal.recipe))
        return ids(roulette(self.weighed(sound(members), children), 2, draws))

    def weighed(self, members: Sequence[Ranked], children: Mapping[str, int]) -> list[Ranked]:
        """How likely members are to be parents."""
        worths = [worth for _, worth in members]
        centre, unit = 0.5, 1.0
        if self.config.centre == "median":
            centre = median(worths)
            unit = max(median([abs(worth - centre) for worth in worths]), _LEAST)
        return [
            (name, _sigmoid(self.config.sharpness * (worth - centre) / unit) / (1 + children[name]))
            for name, worth in members
        ]

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        after = super().entered(state, one, known)
        children = Counter(state.memory["children"])
        children.update(_parents(one.recipe))
        kept = {name: children[name] for name in sorted(after.members) if children[name]}
        return replace(after, memory={"children": kept})


def _parents(recipe: Recipe) -> set[str]:
    return {parent.id for parent in recipe.parents if parent.role in ROLES}


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-min(max(x, -_STEEPEST), _STEEPEST)))
