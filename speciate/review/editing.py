"""A recipe as TOML, to be edited by people and read again."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from speciate.archive.archive import Archive
from speciate.archive.draft import EVOLVED
from speciate.configs.load import validated
from speciate.configs.section import Section
from speciate.errors import ArchiveError, ConfigError
from speciate.records import FOUNDER, Individual, Parent, Recipe
from speciate.toml_text import recipe_toml
from speciate.words import label


class _Parent(Section):
    """A parent in the file."""

    id: str = Field(min_length=1, description="Of an individual; its beginning, or a name.")
    role: str = Field(description="Part it plays.")


class _Recipe(Section):
    """What the file says."""

    operator: str = Field(description="Name of the operator.")
    seed: Annotated[int, Field(ge=0, lt=2**64)] = Field(description="Key of random numbers.")
    parents: tuple[_Parent, ...] = Field(min_length=1, description="In the operator's order.")
    parameters: dict[str, Any] = Field({}, description="Of the operator.")


def as_toml(recipe: Recipe, known: Mapping[str, Individual]) -> str:
    """A recipe to be edited; code is a text of many lines."""
    source = recipe.parameters.get("source")
    rest = {name: value for name, value in recipe.parameters.items() if name != "source"}
    splits = recipe.operator == EVOLVED and isinstance(source, str) and _is_literal(source)
    parents = [{"id": label(one.id, known), "role": one.role} for one in recipe.parents]
    parameters = rest if splits else recipe.parameters
    head = {"operator": recipe.operator, "seed": recipe.seed, "parents": parents}
    text = _escaped(recipe_toml(head | {"parameters": parameters}))
    return f"{text}source = '''\n{source}'''\n" if splits else text


def from_text(text: str, where: str, archive: Archive, *, as_json: bool = False) -> Recipe:
    """The recipe that an edited text says.

    Args:
        text: TOML, or JSON.
        where: What errors call it.
        archive: Parents may be named in short, founders by name.
        as_json: It is JSON.

    Raises:
        ConfigError: It says no recipe, or names a parent that nobody is called.
    """
    try:
        data = json.loads(text) if as_json else tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        kind = "JSON" if as_json else "TOML"
        raise ConfigError(f"{where}: not valid {kind}: {exc}; correct it there") from exc
    said = validated(_Recipe, data, where)
    names = _founders(archive.individuals)
    try:
        parents = tuple(
            Parent(names.get(one.id) or archive.resolve(one.id), one.role) for one in said.parents
        )
    except ArchiveError as exc:
        raise ConfigError(f"{where}: parents: {exc}") from exc
    return Recipe(said.operator, parents, said.parameters, said.seed)


def from_file(path: Path, archive: Archive) -> Recipe:
    """The recipe of a TOML or JSON file.

    Raises:
        ConfigError: The file cannot be read, or says no recipe.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read ({exc}); give a TOML or JSON file") from exc
    return from_text(text, str(path), archive, as_json=path.suffix == ".json")


def _escaped(text: str) -> str:
    """TOML whose strings hide nothing from who edits it."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else f"\\U{ord(sign):08x}" for sign in text
    )


def _is_literal(source: str) -> bool:
    """Whether TOML's literal strings hold it as it is."""
    plain = all(sign.isprintable() or sign in "\n\t" for sign in source)
    return plain and "'''" not in source and not source.endswith("'")


def _founders(known: Mapping[str, Individual]) -> dict[str, str]:
    """Ids by name."""
    return {label(id_, known): id_ for id_, one in known.items() if one.recipe.operator == FOUNDER}
