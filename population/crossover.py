"""Crossover: two parents or more, a way to merge them, and a recipe that says so."""

from collections.abc import Sequence

from speciate.configs.operators import ADAPTER_CROSSOVERS, WITH_BASE
from speciate.configs.schema import Crossover
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.population.randomness import Stream
from speciate.records import Parent, Recipe


def cross(
    options: Sequence[Crossover],
    models: Sequence[str],
    weights: Sequence[float],
    base: str | None,
    stream: Stream,
    seed: int,
) -> Recipe:
    """A recipe that merges models in proportion to `weights`.

    Args:
        options: Operators to draw from, by their shares; their parameter ranges are drawn from.
        models: Ids of the parents; some operators take two.
        weights: How much of each, at any scale; all 0 stands for equal parts.
        base: Id of the common ancestor, for the operators that need it.
        stream: Where the draws come from.
        seed: Of the recipe.
    """
    option = options[stream.choice([option.share for option in options])]
    parameters = {key: _drawn(value, stream) for key, value in sorted(option.parameters.items())}
    total = sum(weights)
    # Parents that all score nothing have equal parts.
    shares = [weight / total if total > 0 else 1 / len(models) for weight in weights]
    model = ALL_CROSSOVERS[option.operator]
    if model.share is not None:
        parameters[model.share] = shares if model.share == "weights" else shares[1]
    role = "adapter" if option.operator in ADAPTER_CROSSOVERS else "model"
    parents = [Parent(one, role) for one in models]
    if option.operator in WITH_BASE and base is not None:
        parents.insert(0, Parent(base, "base"))
    complete = model.model_validate(parameters)
    return Recipe(option.operator, tuple(parents), complete.model_dump(mode="json"), seed)


def _drawn(value: object, stream: Stream) -> object:
    """A fixed value as it is; a [low, high] range, drawn uniformly; a table, part by part."""
    if isinstance(value, dict):
        return {key: _drawn(part, stream) for key, part in sorted(value.items())}
    if isinstance(value, tuple):
        low, high = value
        return low + (high - low) * float(stream.uniform(1)[0])
    return value
