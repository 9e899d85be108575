"""Reads safetensors files by the byte range: no memory maps, no copies of whole files.

Reads go to buffers of the caller, so that the memory in use is what the caller asks for, and a file
that shrinks meanwhile is an error rather than a crash. Needs no torch, so that models can be
looked at and hashed while torch is still being imported.
Format: https://github.com/huggingface/safetensors#format
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
"""Files of a model folder: all of the weights, or where each shard's are."""
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
SIZES |= {"U8": 1, "BOOL": 1}
_LONGEST_HEADER = 100_000_000
_CHUNK = 1 << 20


class FormatError(ValueError):
    """What is wrong with a file, in a few words."""


@dataclass(frozen=True)
class Entry:
    """Where a tensor is: type code, shape, and bytes [start, stop) of its file."""

    code: str
    shape: tuple[int, ...]
    start: int
    stop: int


class SafetensorsFile:
    """One open file."""

    def __init__(self, path: Path) -> None:
        """Reads and checks the header.

        Raises:
            FormatError: It is not whole safetensors.
            OSError: It cannot be read.
        """
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            self.entries = self._header(os.fstat(self._descriptor).st_size)
        except BaseException:
            self.close()
            raise

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fills `buffer` with the bytes from `offset` of the file.

        Raises:
            FormatError: The file has become shorter.
        """
        done = 0
        while done < len(buffer):
            count = os.preadv(self._descriptor, [buffer[done:]], offset + done)
            if count == 0:
                raise FormatError("it became shorter while it was read")
            done += count

    def sha256(self, name: str) -> str:
        """SHA-256 of a tensor's bytes, as 64 hexadecimal digits."""
        entry, digest = self.entries[name], hashlib.sha256()
        buffer = memoryview(bytearray(min(_CHUNK, entry.stop - entry.start)))
        for start in range(entry.start, entry.stop, _CHUNK):
            part = buffer[: min(_CHUNK, entry.stop - start)]
            self.read_into(part, start)
            digest.update(part)
        return digest.hexdigest()

    def close(self) -> None:
        """Gives the descriptor back; twice does no harm."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            self.close()

    def _header(self, size: int) -> dict[str, Entry]:
        first = bytearray(8)
        if size < 8:
            raise FormatError("it has no header")
        self.read_into(memoryview(first), 0)
        (length,) = struct.unpack("<Q", first)
        if length > min(_LONGEST_HEADER, size - 8):
            raise FormatError(f"its header of {length} bytes is longer than the file")
        text = bytearray(length)
        self.read_into(memoryview(text), 8)
        return dict(_entries(text, 8 + length, size))


def _entries(text: bytearray, data: int, size: int) -> Iterator[tuple[str, Entry]]:
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        entries = {name: _entry(fields, data) for name, fields in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise FormatError(f"its header cannot be read ({exc})") from exc
    end = data
    for name, entry in sorted(entries.items(), key=lambda pair: (pair[1].start, pair[1].stop)):
        if entry.start != end or entry.stop > size:
            raise FormatError(f"tensor {name} is not where the header says")
        end = entry.stop
        yield name, entry
    if end != size:
        raise FormatError(f"{size - end} bytes follow the last tensor")


def _entry(fields: Any, data: int) -> Entry:  # noqa: ANN401
    code, shape = str(fields["dtype"]), tuple(fields["shape"])
    start, stop = fields["data_offsets"]
    whole = all(isinstance(n, int) and n >= 0 for n in (*shape, start, stop))
    # Types that we do not merge are told apart later, with a better message.
    known = code not in SIZES or math.prod(shape) * SIZES[code] == stop - start
    if not whole or stop < start or not known:
        raise ValueError(f"{code} {list(shape)} does not fit {stop - start} bytes")
    return Entry(code, shape, data + start, data + stop)
