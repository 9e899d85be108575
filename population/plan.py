"""What a recipe will do, worked out before the first tensor is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speciate.configs.operators.common import Parameters
from speciate.configs.operators.structure import Piece
from speciate.errors import BreedError, ConfigError
from speciate.population.compatibility import check_compatible
from speciate.population.genome import Source, Sources
from speciate.population.operators.operator import Operator, Structural
from speciate.population.operators.registry import OPERATORS, validate
from speciate.population.stack import Blueprint, Renamed
from speciate.population.structure import Structure
from speciate.population.weights import Checkpoint, Frame, Statistics, frame_like, with_dtype
from speciate.records import Parent, Recipe

MEASURED = "statistics"
"""The role of files with what was measured of the models; they are no models themselves."""


@dataclass(frozen=True)
class Segment:
    """Part of a child's tensors that one operator makes.

    Attributes:
        operator: The operator.
        parameters: Its parameters.
        sources: By role; their names are those of the child.
        names: Of the tensors, sorted.
        structure: That schedules over depth refer to.
        config: Content of config.json, for the shapes of fused projections.
        statistics: One file for each model, or none.
    """

    operator: Operator[Any, Any]
    parameters: Parameters
    sources: Sources
    names: tuple[str, ...]
    structure: Structure
    config: Mapping[str, Any]
    statistics: Sequence[Source] = ()

    @property
    def frame(self) -> Source:
        """The source whose tensors the child's are like: the base, or else the first."""
        return self.sources.get("base", next(iter(self.sources.values())))[0]


@dataclass(frozen=True)
class Plan:
    """A recipe with all that it needs: the child's frame, and who makes which of its tensors."""

    recipe: Recipe
    frame: Frame
    segments: tuple[Segment, ...]


def make_plan(recipe: Recipe, models: Mapping[str, Path], dtype: str | None = None) -> Plan:
    """Checks a recipe against its parents.

    Config, tokenizer and tensors that are not of floating point come from the base, or else from
    the first parent.

    Raises:
        ConfigError: The recipe is not one that the operator can carry out, or `dtype` is unknown.
        ModelError: A parent is damaged, or does not fit the others.
        BreedError: A parent's folder is not given.
    """
    parameters = validate(recipe)
    operator = OPERATORS[recipe.operator]
    ids = [parent.id for parent in recipe.parents if parent.role != MEASURED]
    opened = {id_: Checkpoint(_folder(models, id_)) for id_ in ids}
    check_compatible(opened)
    parents = [opened[id_] for id_ in ids]
    if isinstance(operator, Structural):
        frame, segments = _stacked(recipe, operator.pieces(parameters, parents), parents)
        return Plan(recipe, with_dtype(frame, dtype), segments)
    measured = [Statistics(_folder(models, id_)) for id_ in recipe.with_role(MEASURED)]
    first = next((one for one, role in _roles(recipe, parents) if role == "base"), parents[0])
    segment = Segment(
        operator,
        parameters,
        _by_role(_roles(recipe, parents)),
        first.names,
        Structure(first.names),
        first.config,
        measured,
    )
    return Plan(recipe, frame_like(first, dtype), (segment,))


def _stacked(
    recipe: Recipe, pieces: Sequence[Piece], parents: Sequence[Checkpoint]
) -> tuple[Frame, tuple[Segment, ...]]:
    """A segment for each piece."""
    blueprint = Blueprint(pieces, parents)
    frame = blueprint.frame()
    segments = []
    for number, piece in enumerate(pieces):
        operator, parameters = _of_piece(recipe, number, piece)
        sources = [
            (Renamed(parents[one.parent], named), one.role)
            for one, named in zip(piece.parents, blueprint.names(number), strict=True)
        ]
        names = tuple(sources[0][0].names)
        structure = Structure(names)
        segments.append(
            Segment(operator, parameters, _by_role(sources), names, structure, frame.config)
        )
    return frame, tuple(segments)


def _of_piece(recipe: Recipe, number: int, piece: Piece) -> tuple[Operator[Any, Any], Parameters]:
    parents = tuple(Parent(str(one.parent), one.role) for one in piece.parents)
    try:
        parameters = validate(Recipe(piece.operator, parents, piece.parameters, recipe.seed))
    except ConfigError as exc:
        raise ConfigError(f"{recipe.operator}: pieces.{number}: {exc}") from exc
    operator = OPERATORS[piece.operator]
    if isinstance(operator, Structural):
        raise ConfigError(f"{recipe.operator}: pieces.{number}: {piece.operator} has pieces itself")
    return operator, parameters


def _roles(recipe: Recipe, parents: Sequence[Checkpoint]) -> list[tuple[Checkpoint, str]]:
    roles = [parent.role for parent in recipe.parents if parent.role != MEASURED]
    return list(zip(parents, roles, strict=True))


def _by_role(sources: Sequence[tuple[Source, str]]) -> Sources:
    return {role: tuple(one for one, own in sources if own == role) for _, role in sources}


def _folder(models: Mapping[str, Path], parent: str) -> Path:
    if parent not in models:
        raise BreedError(f"parent '{parent}': its model folder is not given; add it")
    return models[parent]
