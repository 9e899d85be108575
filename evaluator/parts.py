"""Streams of tensors, cut into parts that fit into memory."""

from collections.abc import Generator, Iterable

from torch import Tensor

Named = tuple[str, Tensor]
PART = 1 << 28
"""Bytes of a part, unless a single tensor is larger."""


def in_parts(
    tensors: Iterable[Named], nbytes: int | None = PART
) -> Generator[dict[str, Tensor], None, None]:
    """Consecutive tensors by name, at most `nbytes` or one tensor to a part; all in one if None."""
    part: dict[str, Tensor] = {}
    for name, tensor in tensors:
        if part and nbytes is not None and _size(part) + tensor.nbytes > nbytes:
            yield part
            part = {}
        part[name] = tensor
    yield part


def _size(part: dict[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in part.values())
