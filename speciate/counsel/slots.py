"""Which proposals agents may replace, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from speciate.records import Origin, Proposal, Recipe

# A move belongs to the member that it moves.
_NOT_REPLACED = ("succession",)


def open_slots(asked: Sequence[Proposal]) -> list[int]:
    """Indices of the proposals that others may take the place of: nobody else is bred from them."""
    parents = {parent.id for one in asked for parent in one.recipe.parents}
    return [
        index
        for index, one in enumerate(asked)
        if one.recipe.operator not in _NOT_REPLACED and one.recipe.id not in parents
    ]


@dataclass
class Settling:
    """Proposals of one step while they are being replaced.

    Attributes:
        asked: All of them.
        taken: By id of the recipe, for slots that somebody was chosen for: the arm, and what
            asking it cost.
    """

    asked: list[Proposal]
    taken: dict[str, tuple[str, float]] = field(default_factory=dict)

    def replaced(
        self, index: int, recipe: Recipe, proposer: str, reason: str, origin: Origin, cost: float
    ) -> None:
        """Puts another recipe in a slot; its number and all that goes with it stay."""
        self.asked[index] = replace(
            self.asked[index], recipe=recipe, proposer=proposer, reason=reason, origin=origin
        )
        self.taken[recipe.id] = (origin.arm, cost)

    def left(self, index: int, arm: str) -> None:
        """Leaves a slot to the strategy, whose arm has this name."""
        self.taken[self.asked[index].recipe.id] = (arm, 0.0)

    def has(self, recipe: Recipe, known: Mapping[str, object]) -> bool:
        """Whether somebody proposes or has this genome already."""
        return recipe.id in known or any(one.recipe.id == recipe.id for one in self.asked)
