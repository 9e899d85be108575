"""What part of a transformer a tensor belongs to, told from its name and from the config."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from speciate.configs.operators.common import ByModule, PerModel, Rule
from speciate.errors import ConfigError

# Tried in order, on the parts of a dotted name: the names that Hugging Face models use.
_KINDS = (
    ("head", re.compile(r"(^|\.)(lm_head|embed_out|output_projection)(\.|$)")),
    ("norm", re.compile(r"norm|(^|\.)ln_|layernorm", re.IGNORECASE)),
    ("embedding", re.compile(r"embed|(^|\.)(wte|wpe)(\.|$)", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention", re.IGNORECASE)),
    ("mlp", re.compile(r"mlp|ffn|feed_forward|experts|block_sparse_moe", re.IGNORECASE)),
)
_NUMBERED = re.compile(r"^(.*?)\.(\d+)\.")


def module_kind(name: str) -> str:
    """One of the fields of `ByModule`: embedding, attention, mlp, norm, head or other.

    A head tied to the embedding is stored, and so counts, as the embedding.
    """
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), "other")


@dataclass(frozen=True)
class Place:
    """Where a tensor stands in its model.

    Attributes:
        name: Of the tensor.
        kind: Of module: embedding, attention, mlp, norm, head or other.
        layer: Number of the transformer block, from 0 for the first of those that are merged
            together; None outside of the blocks.
        layers: How many blocks the stack has that it belongs to; of the deepest outside of them.
        part: Number of the matrix within a fused tensor.
    """

    name: str
    kind: str
    layer: int | None
    layers: int
    part: int = 0

    @property
    def depth(self) -> float:
        """From 0 (the embedding, the first block) to 1 (the last block, norm and head)."""
        if self.layer is None:
            return 0.0 if self.kind == "embedding" else 1.0
        return self.layer / (self.layers - 1) if self.layers > 1 else 0.0


class Structure:
    """The blocks of a model, found from its tensors: the outermost modules that are numbered."""

    def __init__(self, names: Iterable[str]) -> None:
        """Takes the names of all tensors of the model."""
        numbers: dict[str, set[int]] = defaultdict(set)
        for name in names:
            if match := _NUMBERED.match(name):
                numbers[match[1]].add(int(match[2]))
        self.stacks: Mapping[str, int] = {stack: len(found) for stack, found in numbers.items()}
        self._firsts = {stack: min(found) for stack, found in numbers.items()}

    @property
    def main(self) -> str | None:
        """The deepest stack's name, such as "model.layers"; None if nothing is numbered."""
        return max(self.stacks, key=lambda stack: (self.stacks[stack], stack), default=None)

    @property
    def layers(self) -> int:
        """Number of blocks of the deepest stack; 0 if nothing is numbered."""
        return max(self.stacks.values(), default=0)

    def block(self, name: str) -> int | None:
        """Number of the block of the deepest stack that a tensor is in, as its name has it."""
        match = _NUMBERED.match(name)
        return int(match[2]) if match is not None and match[1] == self.main else None

    def place(self, name: str) -> Place:
        """Where a tensor stands."""
        match = _NUMBERED.match(name)
        if match is None:
            return Place(name, module_kind(name), None, self.layers)
        layer = int(match[2]) - self._firsts[match[1]]
        return Place(name, module_kind(name), layer, self.stacks[match[1]])


def renumbered(name: str, layer: int) -> str:
    """The name of the same tensor in another block."""
    return _NUMBERED.sub(lambda match: f"{match[1]}.{layer}.", name, count=1)


def at(schedule: Any, place: Place, model: int = 0) -> float:  # noqa: ANN401
    """The number that a schedule has at a place.

    Args:
        schedule: A `Schedule`, or a `PerModel` of them.
        place: Where.
        model: Which model's, for a `PerModel`.
    """
    if isinstance(schedule, PerModel):
        return at(schedule.models[model], place)
    if isinstance(schedule, ByModule):
        found = getattr(schedule, place.kind)
        return at(schedule.other if found is None else found, place)
    if isinstance(schedule, tuple) and schedule and isinstance(schedule[0], Rule):
        rule = first_match(schedule, place)
        if rule is None:
            raise ConfigError(f"no rule matches {place.name}; end with one that has only a value")
        return at(rule.value, place)
    return _interpolated(schedule, place.depth) if isinstance(schedule, tuple) else float(schedule)


def first_match(rules: Iterable[Rule], place: Place) -> Rule | None:
    """The rule that counts at a place; None if none does."""
    return next((rule for rule in rules if _matches(rule, place)), None)


def _matches(rule: Rule, place: Place) -> bool:
    inside = rule.layers is None or (
        place.layer is not None and rule.layers[0] <= place.layer <= rule.layers[1]
    )
    named = rule.name is None or rule.name in place.name
    return inside and named and rule.module in (None, place.kind)


def _interpolated(values: tuple[float, ...], depth: float) -> float:
    """Piecewise linear over equally spaced anchors."""
    position = depth * (len(values) - 1)
    left = min(bisect_right(range(len(values)), position) - 1, max(len(values) - 2, 0))
    if position == left or len(values) == 1:
        return float(values[left])
    share = position - left
    return float(values[left] * (1 - share) + values[left + 1] * share)
