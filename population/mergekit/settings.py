"""The parameters that hold for one slice, after mergekit's precedence, filters and defaults."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speciate.configs.section import nearest
from speciate.errors import ConfigError
from speciate.population.mergekit.gradients import Case, Extent, schedule
from speciate.population.mergekit.methods import ALL_PARAMETERS, Method, Parameter
from speciate.population.mergekit.schema import Condition, Settings

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Level:
    """Parameters given in one place, and how messages call it."""

    where: str
    settings: Settings


@dataclass(frozen=True)
class Source:
    """Parameters of one input of the slice.

    Attributes:
        own: Given for it alone.
        shifted: Whether its layers have other numbers than the child's.
    """

    own: Level
    shifted: bool = False


@dataclass(frozen=True)
class Resolver:
    """Looks parameters up, first where they are the most special.

    Attributes:
        name: Of the method.
        method: What it takes.
        extent: Part of the child that the slice is.
        common: Levels that hold for all inputs, the most special first.
        sources: The inputs that the operator has as models, in its order.
        notes: Where something that is said has no effect, or another than in mergekit.
    """

    name: str
    method: Method
    extent: Extent
    common: Sequence[Level]
    sources: Sequence[Source]
    notes: list[str] = field(default_factory=list)

    def one(self, name: str) -> Any:  # noqa: ANN401
        """The schedule of a parameter that is given once."""
        return self._schedule(name, self.common)

    def each(self, name: str) -> list[Any]:
        """The schedule of a parameter for each of the models."""
        found = []
        for source in self.sources:
            if source.shifted:
                self._check_numbers(name, source)
            found.append(self._schedule(name, [source.own, *self.common]))
        return found

    def alike(self, name: str) -> Any:  # noqa: ANN401
        """As `each`, but one schedule if all models have the same."""
        found = self.each(name)
        return found[0] if all(one == found[0] for one in found) else {"models": found}

    def number(self, name: str) -> float:
        """A parameter that may not vary over the model."""
        return self._constant(name, "speciate takes one number for the whole slice")

    def flag(self, name: str) -> bool:
        """A switch that may not vary over the model."""
        return bool(self._constant(name, "it can only be switched for a whole slice"))

    def _constant(self, name: str, why: str) -> float:
        values = {value for case in self._cases(name, self.common) for value in case.values}
        if len(values) > 1:
            raise ConfigError(f"{name}: varies over the layers or tensors; {why}")
        return values.pop()

    def _schedule(self, name: str, levels: Sequence[Level]) -> Any:  # noqa: ANN401
        return schedule(self._cases(name, levels), self.extent)

    def _cases(self, name: str, levels: Sequence[Level]) -> list[Case]:
        """Conditions of one level after another, up to the first that is for all tensors."""
        parameter = self.method.parameters[name]
        cases = []
        for where, condition in _conditions(name, levels):
            values = tuple(_typed(where, value, parameter) for value in condition.value)
            cases.append(Case(condition.part, values))
            if condition.part is None:
                return cases
        if parameter.default is None:
            where = levels[0].where
            raise ConfigError(f"{where}: {self.name} needs the parameter '{name}'; give it")
        return [*cases, Case(None, (float(parameter.default),))]

    def _check_numbers(self, name: str, source: Source) -> None:
        """Names of inputs are filtered in mergekit, here those of the child."""
        for where, condition in _conditions(name, [source.own, *self.common]):
            if condition.part and _DIGIT.search(condition.part):
                raise ConfigError(
                    f"{where}.{name}: the filter '{condition.part}' has a number, but the layers "
                    "of this slice get other numbers; write a slice of its own instead"
                )


def _conditions(name: str, levels: Sequence[Level]) -> Iterator[tuple[str, Condition]]:
    for level in levels:
        for condition in level.settings.get(name, ()):
            yield level.where, condition


def _typed(where: str, value: object, parameter: Parameter) -> float:
    """A number, also of text such as 1e-5, which YAML does not take for a number."""
    try:
        number = float(TypeAdapter(parameter.kind).validate_python(value))
    except ValidationError as exc:
        message = exc.errors()[0]["msg"]
        raise ConfigError(f"{where}: {message[0].lower()}{message[1:]} (it is {value!r})") from None
    if not math.isfinite(number):
        raise ConfigError(f"{where}: {number} is no finite number; give another value")
    return number


def check_names(name: str, method: Method, level: Level, for_input: bool) -> list[str]:
    """Notes on parameters that have no effect.

    Raises:
        ConfigError: A parameter is not known to any method.
    """
    notes = []
    for key in level.settings:
        parameter = method.parameters.get(key)
        if key not in ALL_PARAMETERS:
            known = sorted(method.parameters) or sorted(ALL_PARAMETERS)
            raise ConfigError(f"{level.where}: unknown parameter '{key}'; {nearest(key, known)}")
        if parameter is None:
            notes.append(f"{level.where}: {name} has no parameter '{key}'; it has no effect")
        elif for_input and parameter.scope == "shared":
            notes.append(
                f"{level.where}: '{key}' has no effect there; give it for the slice or for all"
            )
    return notes
