"""Recipes as text that can be compared, line by line."""

import difflib
import json
from collections.abc import Mapping

from speciate.archive.draft import EVOLVED
from speciate.records import Individual, Recipe
from speciate.review.visible import lines, visible
from speciate.words import label

_WHOLE = 1_000_000  # Lines of context: what does not change is shown too.


def text(recipe: Recipe, known: Mapping[str, Individual]) -> list[str]:
    """A recipe as JSON with its founders' names, and after it the source of its operator."""
    data = recipe.to_json()
    data["parents"] = [f"{parent.role} {label(parent.id, known)}" for parent in recipe.parents]
    source = recipe.parameters.get("source") if recipe.operator == EVOLVED else None
    if isinstance(source, str):
        data["parameters"] = {k: v for k, v in recipe.parameters.items() if k != "source"}
    shown = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True).split("\n")
    code = ["", *lines(source)] if isinstance(source, str) else []
    return [*map(visible, shown), *code]


def changes(before: Recipe | None, after: Recipe, known: Mapping[str, Individual]) -> list[str]:
    """A unified diff of two recipes, whole and without headers; of one alone, nothing is marked."""
    new = text(after, known)
    old = text(before, known) if before else new
    found = difflib.unified_diff(old, new, n=_WHOLE, lineterm="")
    rows = [line for line in found if not line.startswith("@@ ")][2:]
    return rows or [f" {line}" for line in new]
