"""Whether a recipe can be carried out."""

from speciate.population.operators.registry import validate
from speciate.records import Recipe


def check(recipe: Recipe) -> None:
    """Refuses a recipe that no operator carries out.

    Raises:
        ConfigError: The operator is unknown, or parents or parameters do not suit it.
    """
    validate(recipe)
