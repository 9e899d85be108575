"""Takes fused tensors apart, so that a model merges alike however its projections are stored.

Some checkpoints store the query, key and value projections as one tensor, or gate and up, or all
experts of a block. Operators see the matrices that these are made of.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Matrix:
    """A run of a tensor's elements that is a matrix (or a vector) by itself.

    Attributes:
        part: Its number within the tensor.
        start: Flat index of its first element.
        shape: Its own.
    """

    part: int
    start: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def columns(self) -> int:
        """Length of a row; a vector is one row."""
        return self.shape[-1] if self.shape else 1


def matrices(name: str, shape: tuple[int, ...], config: Mapping[str, Any]) -> Iterator[Matrix]:
    """The matrices of a tensor, in the order of storage.

    Args:
        name: Of the tensor: `qkv_proj` and `gate_up_proj` are the fused names of Hugging Face.
        shape: Its shape; the first of three dimensions counts experts.
        config: Content of config.json, for the numbers of heads.
    """
    experts = shape[0] if len(shape) == 3 else 1
    rows = _fused_rows(name, shape[-2], config) if len(shape) in (2, 3) else None
    shapes = (
        [(count, shape[-1]) for count in rows] if rows else [shape[1:] if experts > 1 else shape]
    )
    start = part = 0
    for _ in range(experts):
        for one in shapes:
            yield Matrix(part, start, tuple(one))
            start += math.prod(one)
            part += 1


def _fused_rows(name: str, rows: int, config: Mapping[str, Any]) -> Sequence[int] | None:
    """How many rows each fused projection has, or None if it is not a fusion that we know."""
    leaf = name.removesuffix(".weight").rsplit(".", 1)[-1]
    if leaf == "gate_up_proj" and rows % 2 == 0:
        return (rows // 2, rows // 2)
    if leaf != "qkv_proj":
        return None
    settings = config.get("text_config") or config
    heads = int(settings.get("num_attention_heads") or 0)
    groups = int(settings.get("num_key_value_heads") or heads)
    if not heads or rows % (heads + 2 * groups):
        return None
    size = rows // (heads + 2 * groups)
    return (heads * size, groups * size, groups * size)
