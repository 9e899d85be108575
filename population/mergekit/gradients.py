"""Values that vary over a model: mergekit's filters and gradients, and our schedules.

mergekit interpolates a gradient over the layers of a slice, takes its first value for tensors
outside of the layers (embeddings, but also the last norm and the head), and its last for the layer
of a slice that has but one. A schedule here takes the last value for the last norm and the head,
and the first one for a single layer; where that matters, rules tell the two apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from speciate.configs.operators.common import ByModule, PerModel, Rule
from speciate.errors import ConfigError

Value = float | list[float]


@dataclass(frozen=True)
class Extent:
    """What part of the child a schedule is about.

    Attributes:
        layers: Number of transformer blocks.
        before: Whether the tensors before the blocks are part of it.
        after: Whether the tensors after them are.
    """

    layers: int
    before: bool = True
    after: bool = True


@dataclass(frozen=True)
class Case:
    """Values for the tensors whose name has a part (None: for all); more than one: a gradient."""

    part: str | None
    values: tuple[float, ...]


def schedule(cases: Sequence[Case], extent: Extent) -> Any:  # noqa: ANN401
    """Cases, the last of which is for all, as a schedule in the form that recipe files have."""
    rules = [rule for case in cases for rule in _rules(case, extent)]
    if len(rules) == 1 and rules[0].keys() == {"value"}:
        return rules[0]["value"]
    return rules


def _rules(case: Case, extent: Extent) -> list[dict[str, Any]]:
    named = {} if case.part is None else {"name": case.part}
    values = list(case.values if extent.layers > 1 else (case.values[0], case.values[-1]))
    if all(value == values[0] for value in values):
        return [{**named, "value": values[0]}]
    in_blocks: Value = values[-1] if extent.layers == 1 else values
    if _is_alike(case.values, extent):
        return [{**named, "value": in_blocks}]
    blocks = {**named, "layers": [0, extent.layers - 1], "value": in_blocks}
    return [blocks, {**named, "value": values[0]}]


def _is_alike(values: Sequence[float], extent: Extent) -> bool:
    """Whether a gradient means the same here and there, also outside of the blocks."""
    if extent.layers == 1:
        return not (extent.before or extent.after)
    return not extent.after or values[0] == values[-1]


def cases(schedule: Any, extent: Extent) -> list[Case]:  # noqa: ANN401
    """A schedule, as the parameters' models have it, in mergekit's terms.

    Raises:
        ConfigError: It says something that mergekit cannot.
    """
    if isinstance(schedule, ByModule):
        raise ConfigError("mergekit has no values by kind of module; write rules with names")
    if isinstance(schedule, PerModel):
        raise ConfigError("mergekit takes one value for all models here")
    if not (isinstance(schedule, tuple) and schedule and isinstance(schedule[0], Rule)):
        return [_case(None, _values(schedule), extent)]
    found: list[Case] = []
    rest = iter([*pairwise(schedule), (schedule[-1], None)])
    for rule, following in rest:
        if rule.layers is None:
            found.append(_case(_part(rule), _values(rule.value), extent))
        else:
            found.append(_gradient(rule, following, extent))
            next(rest)
    if found[-1].part is not None:
        raise ConfigError("the last rule is not for all tensors; end with one of a value alone")
    return found


def _part(rule: Rule) -> str | None:
    if rule.module is not None:
        raise ConfigError("mergekit has no rules by kind of module; write rules with names")
    return rule.name


def _gradient(rule: Rule, following: Rule | None, extent: Extent) -> Case:
    """What two rules say together: of all blocks, and of what is outside of them."""
    first, last = rule.layers or (0, 0)
    if first > 0 or last < extent.layers - 1:
        raise ConfigError("mergekit has no rules for some layers only; write slices, as a stack")
    outside = following and following.layers is None and _part(following) == _part(rule)
    if following is None or not outside or isinstance(following.value, tuple):
        raise ConfigError(
            "mergekit cannot tell the blocks from the rest here; let a rule follow that differs "
            "only in having no layers, and one number as value"
        )
    values, start = _values(rule.value), following.value
    if extent.layers == 1:
        return Case(_part(rule), (start, values[0]))
    if values[0] != start:
        raise ConfigError(
            "mergekit gives what is outside of the blocks the first value of the list; "
            "make them the same"
        )
    return Case(_part(rule), values)


def _case(part: str | None, values: tuple[float, ...], extent: Extent) -> Case:
    if len(set(values)) == 1:
        return Case(part, values[:1])
    if extent.layers == 1 and (not extent.after or values[0] == values[-1]):
        return Case(part, values[:1])
    if not _is_alike(values, extent):
        raise ConfigError(
            "mergekit gives the last norm and the head the first value of a list, not the last; "
            "write a rule for the blocks and one for the rest"
        )
    return Case(part, values)


def _values(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
