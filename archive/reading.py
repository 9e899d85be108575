"""Objects read from git: a few by asking a process that stays, many in a pass of their own."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from subprocess import PIPE, Popen
from threading import Lock, Thread
from typing import IO, BinaryIO, Protocol, TypeAlias, cast

_FEW = 96
_ERRORS = (b"error:", b"fatal:")


@dataclass(frozen=True, slots=True)
class Object:
    """A stored blob or tree: its hash, and `kind` "blob" or "tree"."""

    oid: str
    kind: str


Found: TypeAlias = "tuple[Object, bytes] | None"
"""An object and its content; None if there is none."""


class Start(Protocol):
    """Starts git."""

    def __call__(self, *arguments: str, stdin: BinaryIO | int) -> Popen[bytes]:
        """With arguments and something to read."""


class Reader:
    """Reads the objects of a repository, with git's `cat-file --batch`.

    Its methods raise OSError and ValueError for objects that cannot be read.
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
            self._conversation = _Conversation(self._start("cat-file", "--batch", stdin=PIPE))
        return self._conversation

    def _pass(self, names: Iterable[str]) -> Iterator[Found]:
        with tempfile.TemporaryFile() as request:
            request.writelines(f"{name}\n".encode() for name in names)
            request.seek(0)
            process = self._start("cat-file", "--batch", "--buffer", stdin=request)
            stdout, stderr = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)
            said: list[bytes] = []
            listener = Thread(target=lambda: said.extend(stderr), daemon=True)
            listener.start()
            try:
                while header := stdout.readline():
                    yield _read_one(header, stdout)
                process.wait()
            finally:
                process.kill()  # if this pass was given up
                process.wait()
                listener.join()
                stdout.close()
                stderr.close()
            # git calls a spoilt object "missing" too, and tells the difference only here.
            errors = [line for line in said if line.startswith(_ERRORS)]
            if errors or process.returncode:
                raise ValueError(b"".join(errors or said).decode(errors="replace"))


class _Conversation:
    """A git that answers for a few objects at a time."""

    def __init__(self, process: Popen[bytes]) -> None:
        self._process = process
        self._stdin, self._stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        self._stderr = cast(IO[bytes], process.stderr)
        os.set_blocking(self._stderr.fileno(), False)

    def __del__(self) -> None:
        # Not by closing its input, which a process that was forked meanwhile may have open too.
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._stdin.close()
        self._stdout.close()
        self._stderr.close()

    def ask(self, names: Sequence[str]) -> list[Found]:
        """What it answers; the names must fit into a pipe."""
        self._stdin.write("".join(f"{name}\n" for name in names).encode())
        self._stdin.flush()
        return [self._answer() for _ in names]

    def _answer(self) -> Found:
        header = self._stdout.readline()
        found = _read_one(header, self._stdout) if header else None
        # As in a pass; here it was said before the answer.
        said = b"" if found else self._stderr.read() or b""
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
