"""What the processes of a sandbox use, seen from outside."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_ROOT = Path("/").stat()


@dataclass(frozen=True)
class Usage:
    """Of all living processes: seconds, and bytes that are resident."""

    cpu_s: float
    memory: int


def usage(pid: int) -> Usage:
    """Of a process and all below it; those that end meanwhile may be missing."""
    seconds, memory = 0.0, 0
    for one in _tree(pid):
        # The name comes second, in parentheses, and may hold anything.
        fields = _read(f"/proc/{one}/stat").rpartition(")")[2].split()
        if fields:
            seconds += sum(map(int, fields[11:15])) / _TICK
            memory += int(fields[21]) * _PAGE
    return Usage(seconds, memory)


def file_count(pid: int, folder: str) -> int:
    """Files of the file system that a process sees mounted on a folder."""
    root = f"/proc/{pid}/root"
    try:
        # Until its mounts are complete, bubblewrap sees the machine's own.
        if Path(root).stat().st_dev == _ROOT.st_dev:
            return 0
        found = os.statvfs(root + folder)
    except OSError:
        return 0
    return found.f_files - found.f_ffree


def _tree(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
        except OSError:
            continue
        for thread in threads:
            waiting += map(int, _read(f"{thread}/children").split())


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
