"""What the parameters of a merge come to at each part of the model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speciate.configs.operators.common import Parameters, Rule
from speciate.configs.operators.per_model import schedules
from speciate.errors import BreedError, ConfigError
from speciate.population.operators.shares import refuse_cancelling
from speciate.population.plan import Plan, Segment
from speciate.population.structure import Place, at, first_match

_ORDER = ("embedding", "attention", "mlp", "norm", "other", "head")


@dataclass(frozen=True)
class Range:
    """Values of a schedule from the first place of a part to the last."""

    first: float
    last: float
    low: float
    high: float

    def to_json(self) -> float | dict[str, float]:
        """A number, or the ends."""
        ends = {"first": self.first, "last": self.last, "low": self.low, "high": self.high}
        return self.low if self.low == self.high else ends


@dataclass(frozen=True)
class Part:
    """Tensors of one kind of module, in the blocks or outside of them.

    Attributes:
        kind: embedding, attention, mlp, norm, head or other.
        layers: First and last block; None outside of the blocks.
        places: Of the tensors.
    """

    kind: str
    layers: tuple[int, int] | None
    places: tuple[Place, ...]

    @property
    def label(self) -> str:
        """Such as "blocks 0-23 mlp"."""
        if self.layers is None:
            return self.kind
        first, last = self.layers
        return (
            f"block {first} {self.kind}" if first == last else f"blocks {first}-{last} {self.kind}"
        )


def parts(segment: Segment) -> list[Part]:
    """The parts of a segment that are merged, in the order of the model."""
    groups: dict[tuple[bool, str], list[Place]] = defaultdict(list)
    for name in segment.names:
        if segment.frame.dtype(name).is_floating_point:
            place = segment.structure.place(name)
            groups[place.layer is not None, place.kind].append(place)
    found = [_part(segment, kind, places) for (_, kind), places in groups.items()]
    return sorted(found, key=_from_bottom)


def _part(segment: Segment, kind: str, places: Sequence[Place]) -> Part:
    """Blocks have the numbers that their names say: schedules count within a piece of a stack."""
    named = [(segment.structure.block(place.name), place.layer) for place in places]
    layers = [layer if block is None else block for block, layer in named if layer is not None]
    ordered = sorted(places, key=lambda place: (place.depth, place.name))
    return Part(kind, (min(layers), max(layers)) if layers else None, tuple(ordered))


def _from_bottom(part: Part) -> tuple[int, int]:
    outside = 0 if part.kind == "embedding" else 2
    return (1 if part.layers else outside, _ORDER.index(part.kind))


def constants(parameters: Parameters) -> dict[str, Any]:
    """The other parameters, as JSON values."""
    varying = {name for name, *_ in schedules(parameters)}
    return {k: v for k, v in parameters.model_dump(mode="json").items() if k not in varying}


def effective(parameters: Parameters, part: Part) -> dict[str, list[Range]]:
    """What each parameter that may vary is in a part: one range, or one a model.

    Raises:
        ConfigError: No rule gives a value for one of the tensors.
    """
    return {
        name: [_range([at(one, place) for place in part.places]) for one in models or (value,)]
        for name, models, value in schedules(parameters)
    }


def _range(values: Sequence[float]) -> Range:
    return Range(values[0], values[-1], min(values), max(values))


def check_everywhere(plan: Plan) -> None:
    """Evaluates all schedules at all places, so that a merge does not fail at its last tensor.

    Raises:
        ConfigError: A schedule has no value somewhere, or weights cancel there.
    """
    for segment in plan.segments:
        for part in parts(segment):
            try:
                effective(segment.parameters, part)
                _check_sums(segment, part)
            except (ConfigError, BreedError) as exc:
                raise ConfigError(f"{segment.operator.name}: {exc}") from exc


def idle_rules(plan: Plan) -> list[str]:
    """A line for each rule that counts nowhere, most often since a name or a block is mistaken."""
    counting: dict[tuple[str, tuple[Rule, ...]], set[Rule | None]] = defaultdict(set)
    for segment in plan.segments:
        places = [place for part in parts(segment) for place in part.places]
        for name, models, value in schedules(segment.parameters):
            for number, one in enumerate(models or (value,), 1):
                if isinstance(one, tuple) and isinstance(one[0], Rule):
                    whose = f"{name} of model {number}" if models else name
                    counting[whose, one] |= {first_match(one, place) for place in places}
    return [
        f"{whose}: rule {number} counts for no tensor; look at its name, module and layers"
        for (whose, rules), found in counting.items()
        for number, rule in enumerate(rules, 1)
        if rule not in found
    ]


def _check_sums(segment: Segment, part: Part) -> None:
    """Averages divide weights by their sum, unless told not to."""
    weights = getattr(segment.parameters, "weights", None)
    normalized = getattr(segment.parameters, "normalize", True)
    if segment.operator.family == "averaging" and weights and normalized:
        for place in part.places:
            refuse_cancelling([at(weight, place) for weight in weights], place)


def to_json(values: Mapping[str, Sequence[Range]], parameters: Parameters) -> dict[str, Any]:
    """Numbers, ranges, or lists of them for parameters with one a model."""
    listed = {name for name, models, _ in schedules(parameters) if models is not None}
    return {
        name: [one.to_json() for one in ranges] if name in listed else ranges[0].to_json()
        for name, ranges in values.items()
    }
