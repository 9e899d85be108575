"""Wall times, hosts and costs: a JSON object per line, beside the archive, outside its hash."""

import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Telemetry:
    """A file of JSON lines that only grows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, facts: Mapping[str, Any]) -> None:
        """Add one line.

        Args:
            facts: JSON values; `time` (Unix seconds) and `host` are added unless given.
        """
        stamped = {"time": time.time(), "host": socket.gethostname(), **facts}
        line = json.dumps(stamped, sort_keys=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # One write of a whole line, so that lines of several processes never mix.
            os.write(descriptor, f"{_line_end(descriptor)}{line}\n".encode())
        finally:
            os.close(descriptor)

    def read(self) -> list[dict[str, Any]]:
        """All lines, oldest first; lines that a crash tore are left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines()
        return [facts for facts in map(_parsed, lines) if facts is not None]


def _line_end(descriptor: int) -> str:
    """What closes a torn last line, so that the next does not stick to it."""
    size = os.fstat(descriptor).st_size
    return "\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else ""


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(line)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
