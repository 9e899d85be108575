"""Finds what may be reordered in a transformer: hidden units, and heads with their key groups.

A module whose tensors are not all understood keeps its order, which is never wrong.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from speciate.population.operators.operator import Genome, View

_FEED_FORWARD = (
    (("gate_proj", "up_proj", "gate_up_proj"), "down_proj"),
    (("w1", "w3"), "w2"),
    (("fc1",), "fc2"),
    (("fc_in",), "fc_out"),
    (("c_fc",), "c_proj"),
    (("dense_h_to_4h",), "dense_4h_to_h"),
)
_FUSED = ("q_proj", "k_proj", "v_proj")
_OUT = ("o_proj", "out_proj", "dense")
_NORMS = {"q_norm": "q_proj", "q_layernorm": "q_proj", "k_norm": "k_proj", "k_layernorm": "k_proj"}
_NOT_TEXT = re.compile(r"vision|visual|image|audio")


class Key(NamedTuple):
    """Names a matrix within its module."""

    leaf: str
    suffix: str
    part: int = 0


Module = Mapping[Key, View]


class Member(NamedTuple):
    """A matrix whose rows (axis 0) or columns (axis 1) belong to units."""

    view: View
    axis: int


@dataclass(frozen=True)
class Heads:
    """The matrices of an attention module.

    Attributes:
        count: Number of query heads.
        groups: Number of key and value heads.
        of_heads: What is reordered with the query heads.
        of_groups: What is reordered with the key and value heads.
    """

    count: int
    groups: int
    of_heads: Sequence[Member]
    of_groups: Sequence[Member]


def modules(genome: Genome) -> Mapping[str, Module]:
    """The matrices of each module, by the module's name."""
    found: dict[str, dict[Key, View]] = defaultdict(dict)
    for view in genome.views():
        *path, leaf = view.place.name.removesuffix(".weight").removesuffix(".bias").split(".")
        suffix = "bias" if view.place.name.endswith(".bias") else "weight"
        key = Key(leaf, suffix, view.place.part)
        if leaf == "qkv_proj" and suffix == "weight" and len(view.shape) == 2:
            key = Key(_FUSED[key.part % 3], suffix)
        found[".".join(path)][key] = view
    return found


def hidden_units(module: Module) -> Sequence[Member] | None:
    """The matrices of a feed-forward network whose rows or columns are its hidden units."""
    for names, last in _FEED_FORWARD:
        down = module.get(Key(last, "weight"))
        ups = [view for key, view in module.items() if key.leaf in names]
        if down is None or not ups or len(down.shape) != 2:
            continue
        units = down.shape[1]
        others = [view for key, view in module.items() if key.leaf not in (*names, last)]
        known = all(view.shape in ((units,), (units, *view.shape[1:2])) for view in ups)
        if known and not any(units in view.shape for view in others):
            return [*(Member(view, 0) for view in ups), Member(down, 1)]
    return None


def heads(name: str, found: Mapping[str, Module], config: Mapping[str, Any]) -> Heads | None:
    """The matrices of an attention module whose rows or columns belong to heads.

    Args:
        name: Of the module.
        found: All modules.
        config: Content of config.json, for the numbers of heads.
    """
    module, sizes = found[name], _head_sizes(config)
    inside = any(other.startswith(f"{name}.") for other in found)
    if sizes is None or inside or _NOT_TEXT.search(name) or not _fits(module, *sizes):
        return None
    count, groups, size = sizes
    of_heads, of_groups = [], []
    for key, view in module.items():
        role = _role(key, view, (size, _rows(module, "q_proj") // count))
        member = Member(view, int(role == "out"))
        units = groups if role == "groups" else count
        if role is None or (role != "nothing" and view.shape[member.axis] % units):
            return None
        if role in ("heads", "out"):
            of_heads.append(member)
        elif role == "groups":
            of_groups.append(member)
    return Heads(count, groups, of_heads, of_groups)


def _head_sizes(config: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """Query heads, key groups, and the size of a key head; None where heads have fixed places."""
    settings = config.get("text_config") or config
    count = settings.get("num_attention_heads")
    fixed = settings.get("alibi") or settings.get("num_kv_shared_layers")
    if not isinstance(count, int) or fixed:
        return None
    groups = settings.get("num_key_value_heads") or count
    size = settings.get("head_dim") or (settings.get("hidden_size") or 0) // count
    return (count, groups, size) if size and count % groups == 0 else None


def _fits(module: Module, count: int, groups: int, size: int) -> bool:
    """Whether a module is attention with that many heads of that size."""
    queries, keys, values = (_rows(module, leaf) for leaf in _FUSED)
    out = any(Key(leaf, "weight") in module for leaf in _OUT)
    known = queries > 0 and queries % (count * size) == 0 and keys == groups * size
    return out and known and values > 0 and values % groups == 0


def _rows(module: Module, leaf: str) -> int:
    view = module.get(Key(leaf, "weight"))
    return view.shape[0] if view and len(view.shape) == 2 else 0


def _role(key: Key, view: View, sizes: tuple[int, int]) -> str | None:
    """How a matrix is reordered: as "heads", "groups", "out" or "nothing"; None if not known.

    A norm of the size of one head is shared by all of them, and stays as it is.
    """
    if key.leaf in _OUT:
        return "out" if key.suffix == "weight" else "nothing"
    if key.leaf in _NORMS and len(view.shape) == 1 and view.shape[0] in sizes:
        return "nothing"
    leaf = _NORMS.get(key.leaf, key.leaf)
    return {"q_proj": "heads", "sinks": "heads", "k_proj": "groups", "v_proj": "groups"}.get(leaf)
