"""How far a recipe is from those that are known, and evolved code from other code.

The distance of two recipes is in [0, 1], the same both ways round, and 0 for recipes that are equal
but for their seed:

- 1 if operators, parents or their roles differ. Where the order of models says nothing, it does not
  count, and what is said of each model is compared with what is said of the same model.
- Else the largest distance of any parameter. Numbers: |a - b| over the largest absolute value that
  the parameter has in either recipe, at most 1, so that a weight of 0.504 is as near to 0.5 as one
  of 504 is to 500. Source code: 1 - the cosine similarity of the counts of its n-grams of tokens.
  All else: 0 if equal, 1 if not, as for what only one of them has. Parameters that are left out
  have their defaults.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from speciate.agents.plain import rounded
from speciate.configs.operators import OPERATOR_PARAMETERS, adapters
from speciate.configs.operators.per_model import own_order, reordered
from speciate.records import Recipe

SOURCE = "source"
"""The parameter that is code."""

_PARAMETERS = {**OPERATOR_PARAMETERS, **adapters.PARAMETERS}
_N_GRAM = 3
_SHORT = 10
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Nearest:
    """The known one that is nearest.

    Attributes:
        id: Its id.
        distance: To it, in [0, 1).
        reason: How they differ, in words for people and prompts; one line.
    """

    id: str
    distance: float
    reason: str


@dataclass(frozen=True)
class Metric:
    """What the distance needs to know of operators.

    Attributes:
        symmetric: Names of the operators for which the order of models says nothing.
        normalised: Source code as the tokens that matter, such as without comments.
    """

    symmetric: Collection[str] = ()
    normalised: Callable[[str], str] = str

    def distance(self, one: Recipe, other: Recipe) -> float:
        """Of two recipes, in [0, 1]; see the module."""
        return max(self.differences(one, other).values(), default=0.0)

    def differences(self, one: Recipe, other: Recipe) -> dict[str, float]:
        """Distances above 0 by parameter; of recipes that cannot be compared, 1 for `parents`."""
        (ours, parameters), (theirs, others) = self._form(one), self._form(other)
        if (one.operator, ours) != (other.operator, theirs):
            return {"parents": 1.0}
        found = {}
        for name in sorted({*parameters, *others}):
            missing = name not in parameters or name not in others
            distance = 1.0 if missing else self._apart(name, parameters[name], others[name])
            if distance > 0:
                found[name] = rounded(distance)
        return found

    def nearest(self, recipe: Recipe, known: Mapping[str, Recipe]) -> Nearest | None:
        """The nearest of `known`, recipes by id; the first of several, None if all are at 1."""
        best: tuple[float, str, dict[str, float]] = (1.0, "", {})
        for name, other in known.items():
            if other.operator == recipe.operator:
                differences = self.differences(recipe, other)
                distance = max(differences.values(), default=0.0)
                if distance < best[0]:
                    best = (distance, name, differences)
        distance, name, differences = best
        return Nearest(name, distance, _told(name, differences)) if name else None

    def nearest_code(self, source: str, known: Mapping[str, str]) -> Nearest | None:
        """The nearest of known sources by digest, whatever models they merge."""
        ours = _n_grams(self.normalised(source))
        distances = {
            name: 1 - _cosine(ours, _n_grams(self.normalised(other)))
            for name, other in known.items()
        }
        name = min(distances, key=lambda key: distances[key], default=None)
        if name is None or distances[name] >= 1:
            return None
        return Nearest(name, rounded(distances[name]), _told(name, {SOURCE: distances[name]}))

    def _form(self, recipe: Recipe) -> tuple[list[tuple[str, str]], dict[str, Any]]:
        """Parents and parameters in one form for recipes that say the same."""
        parents = [(parent.id, parent.role) for parent in recipe.parents]
        if recipe.operator not in _PARAMETERS:
            return parents, dict(recipe.parameters)
        try:
            parameters = _PARAMETERS[recipe.operator].model_validate(recipe.parameters)
            if recipe.operator in self.symmetric:
                merged = recipe.with_role("model") + recipe.with_role("adapter")
                order = own_order(merged, parameters)
                parents, parameters = sorted(parents), reordered(parameters, order)
        except (ValidationError, IndexError):
            # Not for this operator, or not for so many models; compared as it stands.
            return parents, dict(recipe.parameters)
        return parents, parameters.model_dump(mode="json")

    def _apart(self, name: str, one: Any, other: Any) -> float:  # noqa: ANN401
        if name == SOURCE and isinstance(one, str) and isinstance(other, str):
            pair = (_n_grams(self.normalised(text)) for text in (one, other))
            return 1 - _cosine(*pair)
        ours, theirs = dict(_leaves(one)), dict(_leaves(other))
        if ours.keys() != theirs.keys():
            return 1.0
        scale = max((abs(x) for x in (*ours.values(), *theirs.values()) if _number(x)), default=0.0)
        return max((_step(ours[key], theirs[key], scale) for key in ours), default=0.0)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    """All that is no table or list, by its place."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key], (*path, f".{key}"))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, str(index)))
    else:
        yield path, value


def _number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool)


def _step(one: Any, other: Any, scale: float) -> float:  # noqa: ANN401
    if one == other:
        return 0.0
    if not (_number(one) and _number(other)):
        return 1.0
    return min(1.0, abs(float(one) - float(other)) / scale)


def _n_grams(text: str) -> Counter[tuple[str, ...]]:
    tokens = _TOKEN.findall(text)
    starts = range(max(1, len(tokens) - _N_GRAM + 1))
    return Counter(tuple(tokens[start : start + _N_GRAM]) for start in starts)


def _cosine(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    """Of two vectors of counts; exactly 1 for equal ones."""
    if one == other:
        return 1.0
    product = sum(count * other[key] for key, count in one.items())
    squares = [sum(count * count for count in counts.values()) for counts in (one, other)]
    return min(1.0, product / math.sqrt(squares[0] * squares[1]))


def _told(name: str, differences: Mapping[str, float]) -> str:
    short = name[:_SHORT]
    if not differences:
        return f"is {short} again but for its seed"
    parts = [f"{key} by {distance:.2g}" for key, distance in sorted(differences.items())]
    return f"differs from {short} only in {', '.join(parts)}"
