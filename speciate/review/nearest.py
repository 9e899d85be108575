"""What a proposal is compared with: the recipe most like it of all that were bred."""

import difflib
from collections.abc import Mapping

from speciate.archive.draft import EVOLVED
from speciate.records import FOUNDER, Individual, Recipe


def nearest(recipe: Recipe, known: Mapping[str, Individual]) -> Individual | None:
    """The individual whose recipe is most like this one; of equals, the last born.

    Code is compared with code only, and a recipe with those of its own operator, if there are any.
    """
    others = [one for one in known.values() if one.recipe.operator not in (FOUNDER, EVOLVED)]
    alike = [one for one in known.values() if one.recipe.operator == recipe.operator]
    if recipe.operator != EVOLVED:
        pool = alike or others
        return max(reversed(pool), key=lambda one: _in_common(recipe, one.recipe), default=None)
    return max(reversed(alike), key=lambda one: _same_lines(recipe, one.recipe), default=None)


def _in_common(one: Recipe, other: Recipe) -> float:
    """The share of parents and parameters that two recipes share."""
    mine, theirs = _traits(one), _traits(other)
    return len(mine & theirs) / (len(mine | theirs) or 1)


def _traits(recipe: Recipe) -> set[str]:
    parents = {f"{parent.role} {parent.id}" for parent in recipe.parents}
    return parents | {f"{name}={value}" for name, value in recipe.parameters.items()}


def _same_lines(one: Recipe, other: Recipe) -> float:
    mine, theirs = (str(recipe.parameters.get("source")).split("\n") for recipe in (one, other))
    return difflib.SequenceMatcher(a=mine, b=theirs, autojunk=False).ratio()
