"""CMA-ES over merging coefficients by depth, and over the operator's parameters.

As "PS" of Akiba et al., "Evolutionary optimization of model merging recipes" (2024).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from speciate.configs import schema
from speciate.configs.operators import ADAPTER_CROSSOVERS, WITH_BASE
from speciate.configs.operators.per_model import may_vary
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.population.strategies.sampling import Sampler
from speciate.records import Parent, Recipe, State


class CmaEs(Sampler):
    """The numbers: weights, founder by founder, then parameters given as [low, high]."""

    name = "cma_es"
    config: schema.CmaEs

    @property
    def numbers(self) -> int:
        """See `Sampler.numbers`."""
        return self._depth("weights") * len(self.models) + sum(n for _, _, n in self._ranges)

    def _depth(self, parameter: str) -> int:
        """Numbers over depth that a parameter takes."""
        model = ALL_CROSSOVERS[self.config.crossover[0].operator]
        return self.config.groups if may_vary(model.model_fields[parameter].annotation) else 1

    @cached_property
    def _ranges(self) -> list[tuple[tuple[str, ...], tuple[float, float], int]]:
        """Path, range and count of numbers of each parameter that is searched."""
        given = self.config.crossover[0].parameters
        return [(path, ends, self._depth(path[0])) for path, ends in _ranges(given)]

    def origin(self, state: State) -> list[float]:
        """See `Sampler.origin`: equal parts of all founders, and the middle of every range."""
        low, high = self.config.weights
        equal = min(max((1 / len(self.models) - low) / (high - low), 0.0), 1.0)
        weights = [equal] * (self._depth("weights") * len(self.models))
        return weights + [0.5] * (self.numbers - len(weights))

    def decoded(self, point: Sequence[float], state: State, key: int) -> Recipe:
        """See `Sampler.decoded`."""
        option, rest = self.config.crossover[0], iter(point)
        groups = self._depth("weights")
        weights = [_spread(rest, groups, self.config.weights) for _ in self.models]
        parameters = _fixed(option.parameters) | {"weights": weights}
        for path, ends, count in self._ranges:
            _put(parameters, path, _spread(rest, count, ends))
        role = "adapter" if option.operator in ADAPTER_CROSSOVERS else "model"
        parents = [Parent(name, role) for name in self.models]
        if option.operator in WITH_BASE and self.base is not None:
            parents.insert(0, Parent(self.base, "base"))
        complete = ALL_CROSSOVERS[option.operator].model_validate(parameters)
        return Recipe(option.operator, tuple(parents), complete.model_dump(mode="json"), key)


def _ranges(
    parameters: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[float, float]]]:
    for key, value in sorted(parameters.items()):
        if isinstance(value, Mapping):
            yield from _ranges(value, (*path, key))
        elif isinstance(value, tuple):
            yield (*path, key), value


def _spread(numbers: Iterator[float], count: int, ends: tuple[float, float]) -> Any:  # noqa: ANN401
    """The next numbers within their range: one, or a list over depth."""
    low, high = ends
    found = [low + (high - low) * next(numbers) for _ in range(count)]
    return found if count > 1 else found[0]


def _fixed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose tables can be written to."""
    return {k: _fixed(v) if isinstance(v, Mapping) else v for k, v in parameters.items()}


def _put(parameters: dict[str, Any], path: Sequence[str], value: Any) -> None:  # noqa: ANN401
    for key in path[:-1]:
        parameters = parameters[key]
    parameters[path[-1]] = value
