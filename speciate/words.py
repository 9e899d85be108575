"""Recipes in words, for people."""

from collections.abc import Mapping

from speciate.records import FOUNDER, Individual, Recipe, source_digest
from speciate.review.visible import visible

EVOLVED, SHORT = "evolved", 10


def label(name: str, known: Mapping[str, Individual]) -> str:
    """A founder's name, harmless to show, or else the abbreviated id."""
    individual = known.get(name)
    if individual is not None and individual.recipe.operator == FOUNDER:
        return visible(str(individual.recipe.parameters["name"]))
    return name[:SHORT]


def ended_early(stopping: Mapping[str, object]) -> str:
    """Why a search ended before its strategy did, by what early stopping went by."""
    best, children = visible(str(stopping["best"])[:SHORT]), visible(str(stopping["children"]))
    return f"the search stopped early: {children} children in a row were no better than {best}"


def describe(recipe: Recipe, known: Mapping[str, Individual]) -> str:
    """One sentence without its full stop, such as "ties of ab12 (53%) and cd34 (47%)"."""
    try:
        return _described(recipe, known)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Of a stranger, or of an agent: that it could not be carried out is another matter.
        return f"{recipe.operator} of {len(recipe.parents)} parents, with what does not suit it"


def _described(recipe: Recipe, known: Mapping[str, Individual]) -> str:
    if recipe.operator == FOUNDER:
        return f"founder {recipe.parameters['name']}"
    if recipe.operator in ("gaussian", "lora_gaussian"):
        parent = label(recipe.parents[0].id, known)
        sigma, density = recipe.parameters["sigma"], recipe.parameters["density"]
        return f"{parent} with noise of sigma {sigma:g} on {density:.0%} of its weights"
    if recipe.operator == "succession":
        return _move(recipe, known)
    return _merge(recipe, known)


def _merge(recipe: Recipe, known: Mapping[str, Individual]) -> str:
    merged = recipe.with_role("model") + recipe.with_role("adapter")
    models = [label(name, known) for name in merged]
    parameters = dict(recipe.parameters)
    weights = parameters.pop("weights", None)
    operator = recipe.operator
    if operator == EVOLVED:
        operator = f"evolved operator {source_digest(parameters.pop('source'))[:SHORT]}"
        parameters |= parameters.pop("values", {})
    if recipe.operator in ("slerp", "rebasin") and "t" in parameters:
        weights = [1 - parameters["t"], parameters.pop("t")]
    shares = [_share(weight) for weight in weights] if weights else [""] * len(models)
    named = [model + share for model, share in zip(models, shares, strict=True)]
    base = [f"on {label(name, known)}" for name in recipe.with_role("base")]
    rest = [
        f"{key} {_value(value)}"
        for key, value in sorted(parameters.items())
        if not isinstance(value, bool)
    ]
    return ", ".join([f"{operator} of {_listed(named)}", *base, *rest])


def _share(weight: object) -> str:
    """In percent, unless it varies over the model."""
    return f" ({weight:.0%})" if isinstance(weight, float | int) else " (by place)"


def _value(value: object) -> str:
    """A number, or a table of those numbers that are not 1."""
    if isinstance(value, Mapping):
        parts = (f"{_value(part)} in {key}" for key, part in value.items() if part not in (1, None))
        return f"({', '.join(parts)})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _move(recipe: Recipe, known: Mapping[str, Individual]) -> str:
    names = {parent.role: label(parent.id, known) for parent in recipe.parents}
    own = "itself" if names["personal_best"] == names["current"] else names["personal_best"]
    return (
        f"{names['current']} moved by {recipe.parameters['step']:.3g}: with the velocity from "
        f"{names['inertia_from']} to {names['inertia_to']} ({recipe.parameters['inertia']:.2g}), "
        f"to its own best, {own} ({recipe.parameters['cognitive']:.2g}), "
        f"to the best ever, {names['best']} ({recipe.parameters['social']:.2g}), "
        f"from the worst ever, {names['worst']} ({recipe.parameters['repulsion']:.2g})"
    )


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return words[0] if words else "nobody"
    return f"{', '.join(words[:-1])} and {words[-1]}"
