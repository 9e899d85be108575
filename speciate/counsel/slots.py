"""Which proposals of a step agents may replace, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from speciate.agents.bandit import STRATEGY
from speciate.population.migration import PROPOSER
from speciate.records import Proposal, Recipe

# A move belongs to the member that it moves.
_NOT_REPLACED = ("succession",)


class Slots:
    """Proposals of one step while some of them are being replaced.

    Attributes:
        proposals: All of them, in order.
        free: Indices of those that may still be replaced, in order.
        taken: By id of the recipe, where somebody was chosen: name of the arm, and what asking it
            cost.
    """

    def __init__(self, asked: Sequence[Proposal]) -> None:
        """Frees all that nobody else is bred from, and that are no migrants."""
        parents = {parent.id for one in asked for parent in one.recipe.parents}
        self.proposals = list(asked)
        self.free = [
            index
            for index, one in enumerate(asked)
            if one.recipe.operator not in _NOT_REPLACED
            and one.recipe.id not in parents
            and not one.proposer.startswith(PROPOSER)
        ]
        self.taken: dict[str, tuple[str, float]] = {}

    def has(self, recipe: Recipe, known: Mapping[str, object]) -> bool:
        """Whether somebody has this genome, or it is proposed already."""
        return recipe.id in known or any(one.recipe.id == recipe.id for one in self.proposals)

    def replace(self, index: int, other: Proposal, cost: float) -> None:
        """Puts another recipe in a slot; the number and all that goes with the slot stay."""
        self.proposals[index] = replace(
            self.proposals[index],
            recipe=other.recipe,
            proposer=other.proposer,
            reason=other.reason,
            origin=other.origin,
        )
        self._take(index, other.origin.arm if other.origin else STRATEGY, cost)

    def leave(self, index: int) -> None:
        """Leaves a slot to the strategy."""
        self._take(index, STRATEGY, 0.0)

    def _take(self, index: int, arm: str, cost: float) -> None:
        self.taken[self.proposals[index].recipe.id] = (arm, cost)
        self.free.remove(index)
