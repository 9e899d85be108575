"""What waits for people, and what they decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from speciate.records import Origin, Recipe

EVOLVED = "evolved"
Verdict = Literal["approve", "reject"]


@dataclass(frozen=True)
class Draft:
    """A recipe that waits to be reviewed.

    Attributes:
        number: Of the proposal.
        recipe: The genome that is put forward.
        proposer: Who puts it forward.
        reason: Why, in the proposer's words.
        origin: If an agent put it forward.
        why: It must be reviewed.
        trials: What was seen of its operator's code in the sandbox, if it has code.
        step: Of the campaign, when it was put forward.
    """

    number: int
    recipe: Recipe
    proposer: str
    reason: str
    origin: Origin | None
    why: str
    trials: Mapping[str, Any] | None = None
    step: int = 0

    @property
    def kind(self) -> Literal["recipe", "code"]:
        """Whether its operator is written by whoever proposes it."""
        return "code" if self.recipe.operator == EVOLVED else "recipe"

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of an origin and trials when there are none."""
        data: dict[str, Any] = {
            "number": self.number,
            "recipe": self.recipe.to_json(),
            "proposer": self.proposer,
            "reason": self.reason,
            "why": self.why,
            "step": self.step,
        }
        if self.origin is not None:
            data["origin"] = self.origin.to_json()
        if self.trials is not None:
            data["trials"] = dict(self.trials)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        read = dict(data)
        recipe = Recipe.from_json(read.pop("recipe"))
        origin = Origin(**read.pop("origin")) if "origin" in read else None
        return cls(recipe=recipe, origin=origin, **read)


@dataclass(frozen=True)
class Decision:
    """What somebody said of a draft.

    Attributes:
        number: Of the proposal.
        verdict: "approve" or "reject".
        reason: Why, in the reviewer's words.
        reviewer: Whose git identity it was, as in "Ada <ada@example.org>".
        recipe: To be carried out instead of what was put forward, if the reviewer edited it.
    """

    number: int
    verdict: Verdict
    reason: str
    reviewer: str
    recipe: Recipe | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; nothing is said of a recipe when there is none."""
        data: dict[str, Any] = {
            "number": self.number,
            "verdict": self.verdict,
            "reason": self.reason,
            "reviewer": self.reviewer,
        }
        return data if self.recipe is None else data | {"recipe": self.recipe.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        recipe = Recipe.from_json(data["recipe"]) if "recipe" in data else None
        return cls(data["number"], data["verdict"], data["reason"], data["reviewer"], recipe)
