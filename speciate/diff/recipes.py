"""Two recipes, field by field, parent by parent, and line by line where they hold source."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from speciate.records import Recipe

_SOURCE, _WEIGHTS = "source", "weights"
_MERGED = ("model", "adapter")


@dataclass(frozen=True)
class Field:
    """A field that differs; None where one of the two has none, or null.

    Attributes:
        name: With dots between the keys of tables.
        before: Of the first recipe.
        after: Of the second.
    """

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Parentage:
    """What parts an individual plays in two recipes, such as "model 2 (37%)"; none in one of them.

    Attributes:
        id: Of the parent.
        before: In the first recipe.
        after: In the second.
    """

    id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def fields(before: Recipe, after: Recipe) -> list[Field]:
    """Fields that differ, without those that are told of parents and of sources."""
    ours, theirs = dict(_flat(before)), dict(_flat(after))
    names = list(dict.fromkeys([*ours, *theirs]))
    pairs = [Field(name, ours.get(name), theirs.get(name)) for name in names]
    return [pair for pair in pairs if pair.before != pair.after]


def _flat(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    yield "operator", recipe.operator
    yield "seed", recipe.seed
    for name, value in sorted(recipe.parameters.items()):
        told = name == _SOURCE or (name == _WEIGHTS and _shares(recipe))
        if not told:
            yield from _leaves(name, value)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Numbers and the like, however deep; without recursion, as strangers may nest deeply."""
    stack = [(name, value)]
    while stack:
        key, found = stack.pop()
        if isinstance(found, Mapping) and found:
            stack += [(f"{key}.{part}", found[part]) for part in sorted(found, reverse=True)]
        elif isinstance(found, list) and found:
            stack += [(f"{key}.{place}", part) for place, part in enumerate(found)][::-1]
        else:
            yield key, found


def parentage(before: Recipe, after: Recipe) -> list[Parentage]:
    """The parents of both: those of the first in their order, then the others."""
    ours, theirs = _parts(before), _parts(after)
    return [
        Parentage(name, tuple(ours.get(name, ())), tuple(theirs.get(name, ())))
        for name in dict.fromkeys([*ours, *theirs])
    ]


def _parts(recipe: Recipe) -> dict[str, list[str]]:
    shares = _shares(recipe)
    counts: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for parent in recipe.parents:
        number = counts[parent.role] = counts.get(parent.role, 0) + 1
        several = len(recipe.with_role(parent.role)) > 1
        part = f"{parent.role} {number}" if several else parent.role
        if shares and parent.role in _MERGED:
            part += f" ({shares[number - 1]:.1%})"
        found.setdefault(parent.id, []).append(part)
    return found


def _shares(recipe: Recipe) -> list[float]:
    """How much of each merged parent there is, where that is one number for each."""
    weights = recipe.parameters.get(_WEIGHTS)
    merged = [parent for parent in recipe.parents if parent.role in _MERGED]
    if not isinstance(weights, list) or len(weights) != len(merged):
        return []
    plain = all(isinstance(one, int | float) for one in weights)
    return [float(one) for one in weights] if plain else []


def source_diff(before: Recipe, after: Recipe) -> list[str]:
    """A unified diff of evolved sources; empty if they are equal, or one of the two has none."""
    ours, theirs = (one.parameters.get(_SOURCE) for one in (before, after))
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return []
    lines = ours.split("\n"), theirs.split("\n")
    return list(difflib.unified_diff(*lines, "before", "after", lineterm=""))
