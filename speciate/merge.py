"""One merge, outside any campaign."""

from pathlib import Path

from speciate.population.breed import breed
from speciate.population.recipe_file import read_recipe


def merge(recipe: str | Path, out: str | Path) -> str:
    """Carries out a recipe file.

    Args:
        recipe: TOML or JSON: operator, parents with path and role, parameters, seed, dtype.
        out: The new model folder; it appears complete or not at all.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: The recipe or a model cannot be used, `out` exists, or the disk is full.
        BreedError: The result is not finite.
    """
    read, models, dtype = read_recipe(Path(recipe))
    return breed(read, models, Path(out), dtype)
