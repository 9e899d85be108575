"""A recipe in a TOML or JSON file, for one merge outside a campaign; parents are model folders."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from speciate.configs.load import read_toml, validated
from speciate.configs.section import Section
from speciate.errors import ConfigError
from speciate.population.compatibility import check_compatible
from speciate.population.operators.registry import validate
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe


class ParentPath(Section):
    """One parent of a merge."""

    path: str = Field(description="Model folder, relative to the recipe file.")
    role: str = Field("model", description="Part it plays: model, base, parent ...")


class RecipeFile(Section):
    """What a recipe file says."""

    operator: str = Field(description="Name of the operator.")
    parents: tuple[ParentPath, ...] = Field(min_length=1, description="In the operator's order.")
    parameters: dict[str, Any] = Field({}, description="Of the operator.")
    seed: Annotated[int, Field(ge=0, lt=2**64)] = Field(0, description="Key of random numbers.")
    dtype: str | None = Field(None, description="float32, bfloat16 or float16; as the parents.")


def read_recipe(path: Path) -> tuple[Recipe, Mapping[str, Path], str | None]:
    """A recipe whose parents are named by their weights' digests.

    Returns:
        The recipe, the parents' folders by id, and the dtype to write.

    Raises:
        ConfigError: The file is not a recipe that its operator can carry out.
        ModelError: A parent is missing or damaged, or they do not fit one another.
    """
    data = _json(path) if path.suffix == ".json" else read_toml(path)
    file = validated(RecipeFile, data, str(path))
    folders = [path.parent / parent.path for parent in file.parents]
    # Bounds and roles first: they need no weights.
    _checked(path, _recipe(file, [str(folder) for folder in folders]))
    models = {str(folder): Checkpoint(folder) for folder in folders}
    check_compatible(models)
    ids = [models[str(folder)].digest()[:40] for folder in folders]
    return _recipe(file, ids), dict(zip(ids, folders, strict=True)), file.dtype


def _recipe(file: RecipeFile, ids: list[str]) -> Recipe:
    parents = tuple(Parent(id_, parent.role) for id_, parent in zip(ids, file.parents, strict=True))
    return Recipe(file.operator, parents, file.parameters, file.seed)


def _checked(path: Path, recipe: Recipe) -> None:
    try:
        validate(recipe)
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def _json(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a recipe") from None
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: not valid JSON: {exc}") from exc
