"""Which proposals wait for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from speciate.configs.review import CodePolicy, Policy, Review
from speciate.lineage import ancestors
from speciate.records import FOUNDER, Individual, Recipe
from speciate.words import label


@dataclass(frozen=True)
class Facts:
    """What is known of a proposal before anybody looks at it.

    Attributes:
        kind: "code" if its operator was written by whoever proposes it, or else "recipe".
        parents: Names of the founders among its parents.
        ancestors: Names of the founders that it descends from.
        cost_s: Seconds that breeding and scoring it are expected to take; None if nobody knows.
        similarity: To the most similar of the operators that were approved, in [0, 1]; None if
            none was.
    """

    kind: Literal["recipe", "code"]
    parents: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    cost_s: float | None = None
    similarity: float | None = None


def founders_of(
    recipe: Recipe, known: Mapping[str, Individual]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the founders among a recipe's parents, and of all that it descends from; sorted."""
    parents = {parent.id for parent in recipe.parents}
    everybody = {name for parent in parents for name in ancestors(parent, known)}

    def names(ids: set[str]) -> tuple[str, ...]:
        founders = (one for one in ids if known[one].recipe.operator == FOUNDER)
        return tuple(sorted(label(one, known) for one in founders))

    return names(parents), names(everybody)


def verdict(settings: Review, facts: Facts) -> str | None:
    """Why a proposal must be reviewed; None if it need not be."""
    policy = settings.code if facts.kind == "code" else settings.recipe
    if policy.mode == "auto":
        return None
    if policy.mode == "review":
        return "all code is reviewed" if facts.kind == "code" else "all recipes are reviewed"
    reasons = (_novel(policy, facts), _costly(policy, facts), _protected(policy, facts))
    return "; ".join(filter(None, reasons)) or None


def _novel(policy: Policy, facts: Facts) -> str | None:
    if not isinstance(policy, CodePolicy) or policy.similarity is None:
        return None
    if facts.similarity is None:
        return "its code is new: none was approved yet"
    if facts.similarity < policy.similarity:
        least = f"{policy.similarity:g} is asked for"
        return f"its code is new: {facts.similarity:.2f} similar to what was approved, {least}"
    return None


def _costly(policy: Policy, facts: Facts) -> str | None:
    if policy.cost_s is None:
        return None
    if facts.cost_s is None:
        return "nobody knows what it costs"
    if facts.cost_s > policy.cost_s:
        return f"it costs some {facts.cost_s:.3g} s, more than {policy.cost_s:g} s"
    return None


def _protected(policy: Policy, facts: Facts) -> str | None:
    reached = facts.parents if policy.reach == "parents" else facts.ancestors
    touched = [name for name in reached if name in policy.protected]
    return f"it is bred from {', '.join(touched)}" if touched else None
