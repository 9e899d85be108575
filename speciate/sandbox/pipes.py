"""Pipes of a sandbox, read and written without ever waiting for it."""

import os
import select
from contextlib import suppress
from typing import Protocol

_CHUNK = 65536


class Pipe:
    """Two descriptors, closed when a `with` statement ends, unless they were before.

    Attributes:
        source: To read from; -1 once closed.
        sink: To write to; -1 once closed.
    """

    def __init__(self) -> None:
        """Opens it; no child gets an end by accident."""
        self.source, self.sink = os.pipe()

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close_source()
        self.close_sink()

    def close_source(self) -> None:
        """Closes the end to read from."""
        if self.source >= 0:
            os.close(self.source)
        self.source = -1

    def close_sink(self) -> None:
        """Closes the end to write to."""
        if self.sink >= 0:
            os.close(self.sink)
        self.sink = -1


class End(Protocol):
    """Our end of a pipe."""

    @property
    def event(self) -> int:
        """What is waited for, as `select.poll` calls it."""

    @property
    def fd(self) -> int:
        """To wait for; -1 if there is nothing to wait for."""

    @property
    def full(self) -> bool:
        """Whether more came than may."""

    def step(self) -> None:
        """Reads or writes as much as can be at once."""


class Inlet:
    """Collects what comes out of a sandbox.

    Attributes:
        data: What came, never more than the limit.
        full: Whether there was more.
    """

    event = select.POLLIN

    def __init__(self, pipe: Pipe, limit: int) -> None:
        """Collects up to `limit` bytes; the other end is a child's now."""
        pipe.close_sink()
        os.set_blocking(pipe.source, False)
        self._pipe, self._limit = pipe, limit
        self.data, self.full = b"", False

    @property
    def fd(self) -> int:
        """To wait for; -1 at the end."""
        return self._pipe.source

    def step(self) -> None:
        """Takes what is there."""
        with suppress(BlockingIOError):
            found = os.read(self.fd, _CHUNK)
            self.full = self.full or len(self.data) + len(found) > self._limit
            self.data = (self.data + found)[: self._limit]
            if not found:
                self._pipe.close_source()


class Outlet:
    """Feeds a sandbox."""

    event = select.POLLOUT
    full = False

    def __init__(self, pipe: Pipe, data: bytes) -> None:
        """Gives `data`, and the end behind it; the other end is a child's now."""
        pipe.close_source()
        os.set_blocking(pipe.sink, False)
        self._pipe, self._left = pipe, memoryview(data)

    @property
    def fd(self) -> int:
        """To wait for; -1 at the end."""
        return self._pipe.sink

    def step(self) -> None:
        """Gives as much as is taken."""
        with suppress(BlockingIOError):
            try:
                self._left = self._left[os.write(self.fd, self._left[:_CHUNK]) :]
            except BrokenPipeError:
                self._left = memoryview(b"")
        if not self._left:
            self._pipe.close_sink()


def wait(fds: dict[int, int], seconds: float) -> set[int]:
    """Those of some descriptors, given with the events waited for, that are ready."""
    poll = select.poll()
    for fd, event in fds.items():
        poll.register(fd, event)
    return {fd for fd, _ in poll.poll(seconds * 1000)}
