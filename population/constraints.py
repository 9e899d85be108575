"""Constraints on individuals: who breaks which, and by how much.

How far a score falls short is told relative to what it should be, and flips as a share of the
items, so that violations at different tasks can be added up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speciate.configs.constraints import (
    Constraint,
    Floor,
    NegativeFlips,
    NoWorseThanParents,
)
from speciate.records import Individual, Score

# Of the parents that a child takes after. Others only give directions, such as the base.
ROLES = frozenset({"model", "parent", "current", "adapter"})


@dataclass(frozen=True)
class Violation:
    """A constraint that an individual breaks: in words, and by how much, more than 0."""

    text: str
    amount: float


def violations(
    one: Individual,
    known: Mapping[str, Individual],
    constraints: Sequence[Constraint],
    higher_is_better: Mapping[str, bool],
) -> list[Violation]:
    """All constraints that an individual breaks on the search splits.

    Args:
        one: Whom to look at; who failed breaks none, since nobody selects it.
        known: Its parents; those that failed are not compared with.
        constraints: To keep to.
        higher_is_better: Directions of the metrics, by task.
    """
    if one.evaluation is None:
        return []
    names = sorted({parent.id for parent in one.recipe.parents if parent.role in ROLES})
    parents = {name: found.scores for name in names if (found := known[name].evaluation)}
    broken: list[Violation | None] = []
    for rule in constraints:
        mine = one.evaluation.scores[rule.task]
        theirs = {name: scores[rule.task] for name, scores in parents.items()}
        match rule:
            case Floor():
                broken += [_below(rule, mine.value), _above(rule, mine.value)]
            case NoWorseThanParents() if theirs:
                broken.append(_worse(rule, mine, theirs, higher_is_better[rule.task]))
            case NegativeFlips() if theirs:
                broken.append(_flipped(rule, mine, theirs, higher_is_better[rule.task]))
    return [found for found in broken if found]


def negative_flips(before: Score, after: Score, higher_is_better: bool = True) -> int:
    """How many items were right before (1, or 0 for errors) and are wrong after."""
    right, wrong = (1, 0) if higher_is_better else (0, 1)
    pairs = zip(before.items, after.items, strict=True)
    return sum(old == right and new == wrong for old, new in pairs)


def _below(rule: Floor, value: float) -> Violation | None:
    if rule.at_least is None:
        return None
    text = f"{rule.task} is {value:.6g}, should be at least {rule.at_least:.6g}"
    return _broken(text, rule.at_least - value, rule.at_least)


def _above(rule: Floor, value: float) -> Violation | None:
    if rule.at_most is None:
        return None
    text = f"{rule.task} is {value:.6g}, should be at most {rule.at_most:.6g}"
    return _broken(text, value - rule.at_most, rule.at_most)


def _worse(
    rule: NoWorseThanParents, mine: Score, theirs: Mapping[str, Score], higher: bool
) -> Violation | None:
    sign = 1 if higher else -1
    name, best = max(theirs.items(), key=lambda parent: sign * parent[1].value)
    allowed = f" by more than {rule.tolerance:.6g}" if rule.tolerance else ""
    text = (
        f"{rule.task} is {mine.value:.6g}, worse{allowed} than {best.value:.6g} of its parent "
        f"{name[:10]}"
    )
    return _broken(text, sign * (best.value - mine.value) - rule.tolerance, best.value)


def _flipped(
    rule: NegativeFlips, mine: Score, theirs: Mapping[str, Score], higher: bool
) -> Violation | None:
    """The parent against whom most was lost counts."""
    lost = {name: negative_flips(score, mine, higher) for name, score in theirs.items()}
    name = max(lost, key=lambda parent: lost[parent])
    share = lost[name] / len(mine.items)
    text = (
        f"{rule.task}: {lost[name]} of {len(mine.items)} items ({share:.1%}) that its parent "
        f"{name[:10]} had right are wrong, should be at most {rule.at_most:.1%}"
    )
    return _broken(text, share - rule.at_most, 1.0)


def _broken(text: str, excess: float, scale: float) -> Violation | None:
    return Violation(text, excess / (abs(scale) or 1.0)) if excess > 0 else None
