"""Writes a folder of statistics: headers first, then tensors in any order, and all or nothing.

Format: https://github.com/huggingface/safetensors#format
"""

import contextlib
import hashlib
import json
import os
import shutil
import struct
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from speciate.errors import DiskError, UsageError

# Statistics by name: type and shape.
Plan = Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
_CODES = {torch.float32: "F32", torch.int16: "I16"}


class Writer:
    """One safetensors file whose tensors are known by name, type and shape before their values."""

    def __init__(self, path: Path, plan: Plan) -> None:
        """Writes the header: wide types first, so that elements are aligned, and then by name."""
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        self._offsets: dict[str, int] = {}
        end = 0
        for name in sorted(plan, key=lambda name: (-plan[name][0].itemsize, name)):
            dtype, shape = plan[name]
            start, end = end, end + dtype.itemsize * torch.Size(shape).numel()
            entry = {"dtype": _CODES[dtype], "shape": shape, "data_offsets": [start, end]}
            header[name], self._offsets[name] = entry, start
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._plan = plan
        self._missing = set(plan)
        self._file = path.open("wb")
        self._file.write(struct.pack("<Q", len(text)) + text)
        self._data = self._file.tell()
        self._file.truncate(self._data + end)

    def write(self, name: str, values: Tensor) -> None:
        """Puts one tensor into its place.

        Raises:
            ValueError: It was not planned so.
        """
        if (values.dtype, tuple(values.shape)) != self._plan[name]:
            raise ValueError(f"{name}: {values.dtype} {list(values.shape)} was not planned")
        raw = values.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        self._file.seek(self._data + self._offsets[name])
        self._file.write(raw.numpy().data)
        self._missing.discard(name)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None and self._missing:
            raise ValueError(f"{min(self._missing)}: planned but not written")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `out` when the block ends, and vanishes when it fails.

    Raises:
        UsageError: `out` exists already.
        DiskError: Something cannot be written.
    """
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: exists already; choose another folder or remove it")
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        os.replace(temporary, out)  # noqa: PTH105
    except OSError as exc:
        raise DiskError(
            f"{out}: cannot be written ({exc.strerror or exc}); check the folder and its disk"
        ) from exc
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
