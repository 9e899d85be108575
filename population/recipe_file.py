"""A recipe in a file (TOML, JSON or mergekit's YAML), for one merge outside a campaign.

Needs no torch, so that parents can be looked at while torch is still being imported.
"""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from speciate.configs.load import read_toml, validated
from speciate.configs.operators.adapters import PARAMETERS as OF_ADAPTERS
from speciate.configs.section import Section
from speciate.errors import ConfigError
from speciate.records import Parent, Recipe

STATISTICS = "statistics"
YAML = (".yml", ".yaml")
"""How names of mergekit's files end."""
SOURCE_FILE = "source_file"
S = TypeVar("S", bound=Section)


class ParentPath(Section):
    """One parent of a merge."""

    path: str = Field(
        min_length=1,
        description="Folder of a model or adapter, or file of statistics, relative to the recipe.",
    )
    role: str | None = Field(
        None,
        description="Part it plays: model, base, statistics ...; model (or adapter, for operators "
        "on adapters) if not given.",
    )
    adapter: str | None = Field(
        None, min_length=1, description="Folder of a LoRA adapter that is put on the model."
    )
    adapter_weight: Annotated[float, Field(allow_inf_nan=False)] = Field(
        1.0, description="Factor of what the adapter changes."
    )

    @property
    def id(self) -> str:
        """What tells this parent from others in messages: its paths."""
        return self.path if self.adapter is None else f"{self.path} with {self._put_on}"

    @property
    def _put_on(self) -> str:
        factor = "" if self.adapter_weight == 1 else f"{self.adapter_weight:g} times "
        return f"{factor}{self.adapter}"


class RecipeFile(Section):
    """What a recipe file says."""

    operator: str = Field(description="Name of the operator.")
    parents: tuple[ParentPath, ...] = Field(min_length=1, description="In the operator's order.")
    parameters: dict[str, Any] = Field({}, description="Of the operator.")
    seed: Annotated[int, Field(ge=0, lt=2**64)] = Field(0, description="Key of random numbers.")
    dtype: str | None = Field(None, description="float32, bfloat16 or float16; as the parents.")
    tokenizer: str | None = Field(
        None,
        description="Where vocabularies differ, whose the model gets: base (or the first "
        "parent's), union, or the path of a parent.",
    )
    chat_template: str | None = Field(
        None, description="Path of the parent whose chat template the model gets."
    )
    chat_template_text: str | None = Field(
        None, description="Chat template (Jinja) that the model gets, if no parent has it."
    )
    notes: tuple[str, ...] = Field(
        (), description="What whoever carries the recipe out should know; each is told in a line."
    )

    @property
    def of_adapters(self) -> bool:
        """Whether the operator merges adapters rather than models."""
        return self.operator in OF_ADAPTERS

    def role(self, parent: ParentPath) -> str:
        """The part that a parent plays."""
        return parent.role or ("adapter" if self.of_adapters else "model")

    @property
    def recipe(self) -> Recipe:
        """The same with parents that are called by their paths."""
        parents = tuple(Parent(parent.id, self.role(parent)) for parent in self.parents)
        return Recipe(self.operator, parents, self.parameters, self.seed)


def read_recipe(path: Path) -> RecipeFile:
    """What a recipe file says, its paths no longer relative to it.

    Raises:
        ConfigError: The file is missing, or is no recipe.
    """
    if path.suffix in YAML:
        from speciate.population.mergekit import read_mergekit

        return validated(RecipeFile, read_mergekit(path).content(), str(path))
    data = _json(path) if path.suffix == ".json" else read_toml(path)
    file = validated(RecipeFile, data, str(path))
    parents = tuple(_located_all(parent, path, "path", "adapter") for parent in file.parents)
    parameters = _with_source(file, path)
    whole = file.model_copy(update={"parents": parents, "parameters": parameters})
    if file.tokenizer not in ("base", "union"):
        whole = _located_all(whole, path, "tokenizer")
    return _located_all(whole, path, "chat_template")


def _with_source(file: RecipeFile, recipe: Path) -> dict[str, Any]:
    """The parameters; where they name the file of an operator's source, with what it holds."""
    if file.operator != "evolved" or SOURCE_FILE not in file.parameters:
        return file.parameters
    if "source" in file.parameters:
        raise ConfigError(f"{recipe}: parameters: give source or {SOURCE_FILE}, not both")
    path = _located(str(file.parameters[SOURCE_FILE]), recipe)
    try:
        source = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{recipe}: {SOURCE_FILE}: {path} cannot be read ({exc})") from exc
    rest = {name: value for name, value in file.parameters.items() if name != SOURCE_FILE}
    return {**rest, "source": source}


def _located_all(section: S, recipe: Path, *fields: str) -> S:
    """The section with paths that are no longer relative to the recipe."""
    values = {field: getattr(section, field) for field in fields}
    paths = {field: _located(one, recipe) for field, one in values.items() if one is not None}
    return section.model_copy(update=paths)


def _located(path: str, recipe: Path) -> str:
    try:
        return str(recipe.parent / Path(path).expanduser())
    except RuntimeError as exc:
        raise ConfigError(f"{recipe}: {path}: {exc}; write the whole path") from exc


def _json(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a recipe") from None
    except (OSError, ValueError, RecursionError) as exc:
        raise ConfigError(f"{path}: not valid JSON: {exc}") from exc
