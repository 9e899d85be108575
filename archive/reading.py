"""Objects read from git: a few by asking a process that stays, many in a pass of their own."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from subprocess import PIPE
from threading import Lock, Thread
from typing import IO, BinaryIO, Protocol, TypeAlias

_FEW = 96
_ERRORS = (b"error:", b"fatal:")


@dataclass(frozen=True, slots=True)
class Object:
    """A stored blob or tree: its hash, and `kind` "blob" or "tree"."""

    oid: str
    kind: str


Found: TypeAlias = "tuple[Object, bytes] | None"
"""An object and its content; None if there is none."""


class Process(Protocol):
    """A git that runs."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]

    def wait(self) -> int:
        """Wait for its end, and complain if it was a bad one."""


class Start(Protocol):
    """Starts git."""

    def __call__(self, *arguments: str, istream: BinaryIO | int) -> Process:
        """With arguments and something to read."""


class Reader:
    """Reads the objects of a repository, with git's `cat-file --batch`.

    Its methods raise what the process does, and ValueError for objects that cannot be read.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._conversation: _Conversation | None = None
        self._one_at_a_time = Lock()

    def read(self, names: Iterable[str]) -> Iterator[Found]:
        """The objects of these names, in order."""
        rest = iter(names)
        first = list(islice(rest, _FEW + 1))
        if len(first) <= _FEW:
            with self._one_at_a_time:
                found = self._asked(first)
            yield from found
        else:
            yield from self._pass(chain(first, rest))

    def _asked(self, names: Sequence[str]) -> list[Found]:
        try:
            return self._talk().ask(names)
        except (OSError, ValueError):
            # Somebody may have ended it: another one tells.
            self._conversation = None
        return self._talk().ask(names)

    def _talk(self) -> "_Conversation":
        if self._conversation is None:
            self._conversation = _Conversation(self._start("cat-file", "--batch", istream=PIPE))
        return self._conversation

    def _pass(self, names: Iterable[str]) -> Iterator[Found]:
        with tempfile.TemporaryFile() as request:
            request.writelines(f"{name}\n".encode() for name in names)
            request.seek(0)
            process = self._start("cat-file", "--batch", "--buffer", istream=request)
            said: list[bytes] = []
            listener = Thread(target=lambda: said.extend(process.stderr), daemon=True)
            listener.start()
            while header := process.stdout.readline():
                yield _read_one(header, process.stdout)
            process.wait()
            listener.join()
            # git calls a spoilt object "missing" too, and tells the difference only here.
            if errors := [line for line in said if line.startswith(_ERRORS)]:
                raise ValueError(errors[0].decode(errors="replace"))


class _Conversation:
    """A git that answers for a few objects at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        os.set_blocking(self._process.stderr.fileno(), False)

    def ask(self, names: Sequence[str]) -> list[Found]:
        """What it answers; the names must fit into a pipe."""
        self._process.stdin.write("".join(f"{name}\n" for name in names).encode())
        self._process.stdin.flush()
        return [self._answer() for _ in names]

    def _answer(self) -> Found:
        header = self._process.stdout.readline()
        found = _read_one(header, self._process.stdout) if header else None
        # As in a pass; here it was said before the answer.
        said = b"" if found else self._process.stderr.read() or b""
        if not header or said.startswith(_ERRORS):
            raise ValueError(said.decode(errors="replace"))
        return found


def _read_one(header: bytes, stream: IO[bytes]) -> Found:
    """One answer of `git cat-file --batch`."""
    if header.endswith((b" missing\n", b" ambiguous\n")):
        return None
    oid, kind, size = header.decode().split()
    data = stream.read(int(size) + 1)
    if len(data) <= int(size):
        raise ValueError(f"object {oid} ends early")
    return Object(oid, kind), data[:-1]
