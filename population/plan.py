"""What a recipe will do, worked out before the first tensor is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from speciate.configs.operators.common import Parameters
from speciate.configs.operators.structure import Piece
from speciate.errors import BreedError, ConfigError, ModelError
from speciate.population.aligned import AlignedModel
from speciate.population.compatibility import check_compatible
from speciate.population.frame import Frame, with_dtype
from speciate.population.genome import ADAM, Source, Sources, WholeModel
from speciate.population.operators.operator import SOME, Operator, Structural
from speciate.population.operators.registry import OPERATORS, validate
from speciate.population.stack import Blueprint, Renamed
from speciate.population.structure import Structure
from speciate.population.vocabulary import Alignment, align
from speciate.population.weights import Checkpoint, Statistics
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
        like: The source whose tensors the child's are like, if not the base's or the first's.
    """

    operator: Operator[Any, Any]
    parameters: Parameters
    sources: Sources
    names: tuple[str, ...]
    structure: Structure
    config: Mapping[str, Any]
    statistics: Sequence[Source] = ()
    like: Source | None = None

    @property
    def frame(self) -> Source:
        """The source whose tensors the child's are like: the base, or else the first."""
        return self.like or self.sources.get("base", next(iter(self.sources.values())))[0]


@dataclass(frozen=True)
class Given:
    """What a plan was made from, besides the recipe: see `make_plan`."""

    models: Mapping[str, Path | WholeModel]
    dtype: str | None = None
    tokenizer: str | None = None
    chat_template: str | None = None


@dataclass(frozen=True)
class Plan:
    """A recipe with all that it needs: the child's frame, and who makes which of its tensors."""

    recipe: Recipe
    frame: Frame
    segments: tuple[Segment, ...]
    given: Given


def make_plan(
    recipe: Recipe,
    models: Mapping[str, Path | WholeModel],
    dtype: str | None = None,
    tokenizer: str | None = None,
    chat_template: str | None = None,
) -> Plan:
    """Checks a recipe against its parents.

    Config, tokenizer and tensors that are not of floating point come from the base, or else from
    the first parent.

    Args:
        recipe: What to do.
        models: Model folder of each parent's id, or the model itself, such as one with an adapter.
        dtype: float32, bfloat16 or float16; None keeps the base's or first parent's.
        tokenizer: Whose vocabulary the child gets: "base" for the base's or first parent's,
            "union", or a parent's id; None if all have the same.
        chat_template: Id of the parent whose chat template the child gets, if not the tokenizer's.

    Raises:
        ConfigError: The recipe is not one that the operator can carry out, `dtype` is unknown, or
            there is no such tokenizer or chat template.
        ModelError: A parent is damaged, or does not fit the others.
        BreedError: A parent's folder is not given.
    """
    given = Given(models, dtype, tokenizer, chat_template)
    parameters = validate(recipe)
    operator = OPERATORS[recipe.operator]
    ids = [parent.id for parent in recipe.parents if parent.role != MEASURED]
    stacks = isinstance(operator, Structural)
    opened = _all_opened({id_: _given(models, id_) for id_ in ids})
    check_compatible(opened, same_depth=not stacks, same_vocabulary=tokenizer is None)
    first = recipe.with_role("base")[0] if recipe.with_role("base") else ids[0]
    alignment = align(opened, first, tokenizer, chat_template)
    parents = [alignment.sources[id_] for id_ in ids]
    if isinstance(operator, Structural):
        frame, segments = _stacked(recipe, operator.pieces(parameters, parents), parents)
        frame = replace(frame, path=alignment.frame.path, files=alignment.frame.files)
        return Plan(recipe, with_dtype(frame, dtype), segments, given)
    like = alignment.sources[first]
    measured = _measured(recipe, models, alignment)
    _check_measured(recipe, operator, measured, like.names)
    segment = Segment(
        operator,
        parameters,
        _by_role(_roles(recipe, parents)),
        like.names,
        Structure(like.names),
        like.config,
        measured,
    )
    return Plan(recipe, with_dtype(alignment.frame, dtype), (segment,), given)


def _measured(
    recipe: Recipe, models: Mapping[str, Path | WholeModel], alignment: Alignment
) -> Sequence[Source]:
    """What was measured of each model, in the order of the models."""
    given = [_given(models, id_) for id_ in recipe.with_role(MEASURED)]
    files = [Statistics(one if isinstance(one, Path) else one.path) for one in given]
    pairs = zip_longest(recipe.with_role("model"), files)
    return [alignment.statistics(id_, file) for id_, file in pairs if file is not None]


def _check_measured(
    recipe: Recipe,
    operator: Operator[Any, Any],
    measured: Sequence[Source],
    names: Sequence[str],
) -> None:
    """Refuses what would silently be merged without statistics."""
    count = len(recipe.with_role("model"))
    if operator.roles.get(MEASURED) == SOME and len(measured) != count:
        raise ConfigError(
            f"{recipe.operator}: {len(measured)} parents are '{MEASURED}' for {count} models; "
            "give one for each, in the same order"
        )
    for source in measured:
        known = {f"{name}.{kind}" for name in names for kind in operator.statistics}
        known |= set(names) if ADAM in operator.statistics else set()
        if known.isdisjoint(source.names):
            kinds = " or ".join(operator.statistics)
            remedy = "measure it with speciate stats"
            if ADAM in operator.statistics:
                remedy = "take it from the optimizer's state"
            raise ModelError(f"{source.label}: has no {kinds} of any weight; {remedy}")


def _stacked(
    recipe: Recipe, pieces: Sequence[Piece], parents: Sequence[AlignedModel]
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


def _roles(recipe: Recipe, parents: Sequence[Source]) -> list[tuple[Source, str]]:
    roles = [parent.role for parent in recipe.parents if parent.role != MEASURED]
    return list(zip(parents, roles, strict=True))


def _by_role(sources: Sequence[tuple[Source, str]]) -> Sources:
    return {role: tuple(one for one, own in sources if own == role) for _, role in sources}


def _given(models: Mapping[str, Path | WholeModel], parent: str) -> Path | WholeModel:
    if parent not in models:
        raise BreedError(f"parent '{parent}': its model folder is not given; add it")
    return models[parent]


def _all_opened(models: Mapping[str, Path | WholeModel]) -> dict[str, WholeModel]:
    """The models, by their labels.

    Raises:
        ModelError: Some cannot be opened; all that is wrong with them.
    """
    opened: dict[str, WholeModel] = {}
    troubles = []
    for label, model in models.items():
        try:
            opened[label] = Checkpoint(model) if isinstance(model, Path) else model
        except ModelError as exc:
            troubles.append(str(exc))
    if troubles:
        raise ModelError("; ".join(dict.fromkeys(troubles)))
    return opened
