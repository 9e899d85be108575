"""Mergekit configs as recipes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from speciate.configs.load import validated
from speciate.configs.section import nearest
from speciate.errors import ConfigError
from speciate.population.mergekit import notes
from speciate.population.mergekit.folders import Finder, Found, layers_of
from speciate.population.mergekit.forward import made
from speciate.population.mergekit.gradients import Extent
from speciate.population.mergekit.methods import METHODS, Method
from speciate.population.mergekit.rest import Rest
from speciate.population.mergekit.schema import (
    InputModel,
    InputSlice,
    MergekitFile,
    OutputSlice,
    Reference,
)
from speciate.population.mergekit.settings import Level, Resolver, Source, check_names
from speciate.population.mergekit.text import read_yaml
from speciate.population.mergekit.translation import ParentFolder, Translation


def read_mergekit(path: Path) -> Translation:
    """A mergekit config as a recipe; reads no weights.

    Folders are relative to the working directory, as in mergekit, or else to the config.

    Raises:
        ConfigError: The file is missing or no config; a model is not there; or the config says
            something that cannot be carried out here.
        ModelError: A config.json cannot be read.
    """
    file = validated(MergekitFile, read_yaml(path), str(path))
    try:
        return _Reader(file, Finder(path)).translation()
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


@dataclass(frozen=True)
class _Input:
    """One input of a slice; no layers are all of them."""

    found: Found
    is_base: bool
    level: Level
    layers: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Part:
    """A slice, or all of the child."""

    where: str
    inputs: tuple[_Input, ...]
    common: tuple[Level, ...]
    has_base: bool


class _Reader:
    """Translates one file."""

    def __init__(self, file: MergekitFile, finder: Finder) -> None:
        if file.merge_method not in METHODS:
            hint = nearest(file.merge_method, list(METHODS))
            raise ConfigError(f"unknown merge_method '{file.merge_method}'; {hint}")
        self._file, self._finder = file, finder
        self._name = file.merge_method
        self._method: Method = METHODS[self._name]
        self._notes: list[str] = []
        self._global = Level("parameters", file.parameters or {})
        self._base = None if file.base_model is None else finder.model(file.base_model)

    def translation(self) -> Translation:
        """The recipe."""
        self._note_names(self._global, for_input=False)
        parts = self._parts()
        for part in parts:
            self._check_inputs(part)
        if len(parts) == 1 and _is_whole(parts[0]):
            operator, parents, parameters = self._plain(parts[0])
        else:
            operator, parents, parameters = self._stack(parts)
        if len(parts[0].inputs) < len(parts[-1].inputs):
            self._notes.append(notes.last_slice(len(parts[0].inputs)))
        if self._name in notes.BY_METHOD:
            self._notes.append(notes.BY_METHOD[self._name])
        rest = Rest(self._file, self._finder, parents, self._base, self._notes)
        template, text = rest.chat_template()
        return Translation(
            operator,
            parents,
            parameters,
            rest.dtype(),
            rest.tokenizer(),
            template,
            text,
            tuple(dict.fromkeys(self._notes)),
        )

    def _parts(self) -> list[_Part]:
        if self._file.slices is None:
            return [self._whole(self._file.models or ())]
        return [self._slice(n, one) for n, one in enumerate(self._file.slices)]

    def _whole(self, models: Sequence[InputModel]) -> _Part:
        """The base is one of the inputs, the last one, even if it is not listed."""
        base = self._file.base_model
        inputs = [self._input(f"models.{n}", one, base) for n, one in enumerate(models)]
        if self._base is not None and all(one.model != base for one in models):
            inputs.append(_Input(self._base, self._may_be_base, Level("base_model", {})))
        return _Part("models", tuple(inputs), (self._global,), base is not None)

    def _slice(self, number: int, one: OutputSlice) -> _Part:
        where = f"slices.{number}"
        base = one.base_model or self._file.base_model
        own = Level(f"{where}.parameters", one.parameters or {})
        self._note_names(own, for_input=False)
        if one.residual_weight is not None:
            self._notes.append(f"{where}: residual_weight has no effect")
        inputs = [
            self._input(f"{where}.sources.{n}", source, base)
            for n, source in enumerate(one.sources)
        ]
        return _Part(where, tuple(inputs), (own, self._global), base is not None)

    @property
    def _may_be_base(self) -> bool:
        return self._method.base != "ignored"

    def _input(self, where: str, one: InputModel, base: Reference | None) -> _Input:
        level = Level(f"{where}.parameters", one.parameters or {})
        self._note_names(level, for_input=True)
        try:
            found = self._finder.model(one.model)
        except ConfigError as exc:
            raise ConfigError(f"{where}: {exc}") from exc
        is_base = self._may_be_base and one.model == base
        layers = one.layer_range if isinstance(one, InputSlice) else None
        return _Input(found, is_base, level, layers)

    def _note_names(self, level: Level, for_input: bool) -> None:
        self._notes += check_names(self._name, self._method, level, for_input)

    def _check_inputs(self, part: _Part) -> None:
        found = [one.found for one in part.inputs]
        if len(set(found)) < len(found):
            raise ConfigError(f"{part.where}: a model is given twice; leave one out")
        bases = sum(one.is_base for one in part.inputs)
        wanted = self._may_be_base and part.has_base
        if bases == 0 and (wanted or self._method.base == "required"):
            what = "the base as one of the sources" if part.has_base else "a base_model"
            raise ConfigError(f"{part.where}: {self._name} needs {what}; give it")
        least, most = self._method.others
        others = len(found) - bases
        if others < least or others > (most or others):
            number = f"exactly {least}" if least == most else f"{least} or more"
            besides = " besides the base" if bases else ""
            raise ConfigError(
                f"{part.where}: {self._name} takes {number} of the models{besides}, not {others}"
            )
        lengths = {one.layers[1] - one.layers[0] for one in part.inputs if one.layers}
        if len(lengths) > 1:
            raise ConfigError(f"{part.where}: take as many layers of each source")

    def _plain(self, part: _Part) -> tuple[str, tuple[ParentFolder, ...], dict[str, Any]]:
        # The first of the models gives tokenizer and config; in mergekit that is the base.
        ordered = sorted(part.inputs, key=lambda one: (not one.is_base, one.found != self._base))
        extent = Extent(layers_of(ordered[0].found.path))
        operator, parameters = made(self._resolver(part, ordered, extent, 0))
        parents = tuple(
            ParentFolder(one.found.path, self._role(one), one.found.adapter) for one in ordered
        )
        return operator, parents, parameters

    def _stack(
        self, parts: Sequence[_Part]
    ) -> tuple[str, tuple[ParentFolder, ...], dict[str, Any]]:
        inputs = [one for part in parts for one in self._ordered(part)]
        models = sorted(
            dict.fromkeys(one.found for one in inputs), key=lambda one: one != self._base
        )
        starts = [0, *accumulate(_length(part) for part in parts)]
        pieces = []
        for number, part in enumerate(parts):
            ordered = self._ordered(part)
            extent = Extent(_length(part), number == 0, number == len(parts) - 1)
            operator, parameters = made(self._resolver(part, ordered, extent, starts[number]))
            sources = [self._piece_parent(models.index(one.found), one) for one in ordered]
            pieces.append({"operator": operator, "parents": sources, "parameters": parameters})
        parents = tuple(ParentFolder(one.path, "model", one.adapter) for one in models)
        return "stack", parents, {"pieces": pieces}

    def _piece_parent(self, number: int, one: _Input) -> dict[str, Any]:
        first, end = one.layers or (0, 0)
        return {"parent": number, "layers": [first, end - 1], "role": self._role(one)}

    def _ordered(self, part: _Part) -> list[_Input]:
        """The base goes first, wherever it stands."""
        return sorted(part.inputs, key=lambda one: not one.is_base)

    def _role(self, one: _Input) -> str:
        """The first of the two models of slerp is called base in mergekit."""
        return "base" if one.is_base and self._name != "slerp" else "model"

    def _resolver(
        self, part: _Part, ordered: Sequence[_Input], extent: Extent, start: int
    ) -> Resolver:
        sources = [
            Source(one.level, one.layers is not None and one.layers[0] != start)
            for one in ordered
            if self._role(one) == "model"
        ]
        return Resolver(self._name, self._method, extent, part.common, sources, self._notes)


def _is_whole(part: _Part) -> bool:
    """Whether all layers of all inputs are taken, in their order."""
    return all(one.layers in (None, (0, layers_of(one.found.path))) for one in part.inputs)


def _length(part: _Part) -> int:
    first, end = part.inputs[0].layers or (0, 0)
    return end - first
