"""What goes to a sandbox and comes back: safetensors of float32, on both sides the same few lines.

Runs inside sandboxes as well, where there is only the standard library and numpy.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

BASE, MODEL, RESULT, METADATA = "base", "model", "result", "__metadata__"
LONGEST = 1000
"""Characters of what an error says."""
_LENGTH, _ALIGNED = 8, 64


def header(
    tensors: Mapping[str, Sequence[int]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """What stands before the data, which begins where vector instructions like it to.

    Args:
        tensors: Shapes by name, in the order of the data.
        metadata: What is said besides.
    """
    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    start = 0
    for name, shape in tensors.items():
        stop = start + 4 * math.prod(shape)
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + _LENGTH) % _ALIGNED)
    return len(text).to_bytes(_LENGTH, "little") + text


def parsed(data: Any) -> tuple[dict[str, Any], int]:  # noqa: ANN401 - any buffer
    """The entries of a header, and where the data begins.

    Raises:
        ValueError: It is none.
    """
    start = _LENGTH + int.from_bytes(bytes(data[:_LENGTH]), "little")
    entries = json.loads(bytes(data[_LENGTH:start]))
    if start > len(data) or not isinstance(entries, dict):
        raise ValueError("this is no header")
    return entries, start
