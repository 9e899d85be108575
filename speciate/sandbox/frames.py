"""Messages to and from a program that stays up: eight bytes with the length, then that many bytes.

Both ends are read and written without ever waiting; see `pipes`.
"""

import fcntl
import os
import select
from collections.abc import Sequence
from contextlib import suppress

from speciate.sandbox.pipes import Pipe

_LENGTH, _CHUNK, _PIPE_SIZE = 8, 1 << 22, 1 << 20


class Asking:
    """Sends messages."""

    event = select.POLLOUT
    full = False

    def __init__(self, pipe: Pipe) -> None:
        """Has nothing to say yet; the other end is a child's now."""
        pipe.close_source()
        _prepare(pipe.sink)
        self._pipe, self._left = pipe, [memoryview(b"")][1:]

    @property
    def fd(self) -> int:
        """To wait for; -1 while there is nothing to send."""
        return self._pipe.sink if self._left else -1

    @property
    def sent(self) -> bool:
        """Whether nothing is left of the message."""
        return not self._left

    def begin(self, parts: Sequence[memoryview]) -> None:
        """Takes a message, whose bytes are sent from where they are."""
        length = sum(part.nbytes for part in parts).to_bytes(_LENGTH, "little")
        self._left = [part.cast("B") for part in (memoryview(length), *parts) if part.nbytes]

    def step(self) -> None:
        """Sends as much as is taken; to nobody, if nobody is there."""
        with suppress(BlockingIOError):
            try:
                count = os.write(self._pipe.sink, self._left[0][:_CHUNK])
            except BrokenPipeError:
                self._left = []
                return
            self._left[0] = self._left[0][count:]
            if not self._left[0]:
                del self._left[0]


class Answering:
    """Takes messages, each only after it was asked for.

    Attributes:
        full: Whether more came than was asked for, or earlier.
        ended: Whether nothing more can come.
    """

    event = select.POLLIN

    def __init__(self, pipe: Pipe) -> None:
        """Expects nothing yet; the other end is a child's now."""
        pipe.close_sink()
        _prepare(pipe.source)
        self._pipe, self._most = pipe, -1
        self._head, self._body, self._count = b"", bytearray(), 0
        self.full = self.ended = False

    @property
    def fd(self) -> int:
        """To wait for; -1 at the end."""
        return -1 if self.ended else self._pipe.source

    @property
    def complete(self) -> bool:
        """Whether a message is there."""
        whole = len(self._head) == _LENGTH and self._count == len(self._body)
        return whole and not self.full

    def begin(self, most: int) -> None:
        """Expects a message of so many bytes at most."""
        self._most, self._head, self._count = most, b"", 0

    def take(self) -> bytearray:
        """The message; from now on, nothing is expected."""
        found, self._body, self._most, self._head = self._body, bytearray(), -1, b""
        return found

    def step(self) -> None:
        """Takes what is there."""
        with suppress(BlockingIOError):
            if self._most < 0 or self.complete:
                found = len(os.read(self.fd, 1))
                self.full = self.full or found > 0
            elif len(self._head) < _LENGTH:
                more = os.read(self.fd, _LENGTH - len(self._head))
                self._head, found = self._head + more, len(more)
                self._measure()
            else:
                found = os.readv(self.fd, [memoryview(self._body)[self._count :][:_CHUNK]])
                self._count += found
            self.ended = found == 0

    def _measure(self) -> None:
        """Makes room for a message of a length that may be."""
        if len(self._head) == _LENGTH:
            length = int.from_bytes(self._head, "little")
            self.full = length > self._most
            self._body = bytearray(0 if self.full else length)


def _prepare(fd: int) -> None:
    os.set_blocking(fd, False)
    # A pipe that holds more has both sides wait less often; root may have made it larger.
    with suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
