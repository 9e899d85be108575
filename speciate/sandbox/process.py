"""One program in its sandbox: started, watched, ended."""

import os
import re
import select
import signal
import time
from contextlib import suppress

from speciate.errors import SandboxError
from speciate.sandbox.command import MIB, SCRATCH, start
from speciate.sandbox.pipes import End, Pipe, wait
from speciate.sandbox.program import Limits, Program, Ran, Reason
from speciate.sandbox.usage import file_count, usage

# Seconds between two looks at what a program uses.
INTERVAL = 0.05
# Bubblewrap starts, and the kernel ends, in milliseconds; after this, the machine is not well.
_PATIENCE_S = 30.0
_KILLED = 128 + signal.SIGKILL


class Sandboxed:
    """A program that runs, until the `with` statement over it ends at the latest.

    Attributes:
        pipes: What is read from it and fed to it while `step` is called.
        ended: Whether it is gone, with every process that it started.
    """

    def __init__(
        self, bwrap: str, program: Program, limits: Limits, ends: tuple[int, int, int]
    ) -> None:
        """Starts it.

        Args:
            bwrap: Path of bubblewrap.
            program: What to run.
            limits: What it may use.
            ends: Descriptors that become its standard input, output and error.

        Raises:
            SandboxError: The machine has no memory, process or descriptor left for it.
        """
        self.pipes: list[End] = []
        self.ended = self._killed = False
        self._stopped: Reason | None = None
        self._limits, self._cpu_s, now = limits, 0.0, time.monotonic()
        self._most_cpu_s: float = limits.cpu_s
        self._deadline, self._next_look = now + limits.wall_s, now + INTERVAL
        with Pipe() as go, Pipe() as said, Pipe() as news:
            try:
                ours = (go.source, said.sink, news.sink)
                self._outer = start(bwrap, program, limits, ends, ours)
                news.close_sink()
                self._first, self._fd = _first_process(news.source)
            except OSError as exc:
                raise SandboxError(
                    f"a sandbox cannot be started ({exc.strerror}); free memory or processes"
                ) from exc
            said.close_sink()
            if self._fd < 0:
                self._outer.kill()
                self._finish()
            # It can be killed from here on; until told so, it waits.
            os.write(go.sink, b"!")
            self._said = os.dup(said.source)

    def __enter__(self) -> "Sandboxed":
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()
        os.close(self._said)

    @property
    def fds(self) -> dict[int, int]:
        """Descriptors that `step` waits for, and their events."""
        found = {pipe.fd: pipe.event for pipe in self.pipes if pipe.fd >= 0}
        return found if self.ended else {**found, self._fd: select.POLLIN}

    def step(self, ready: set[int]) -> None:
        """Does what descriptors are ready for, and what the clock demands."""
        for pipe in self.pipes:
            if pipe.fd in ready:
                pipe.step()
        if self.ended:
            return
        if self._fd in ready:
            self._finish()
        elif any(pipe.full for pipe in self.pipes):
            self.stop("output")
        elif time.monotonic() >= self._next_look:
            self._look()

    def allow(self, cpu_s: float, wall_s: float) -> None:
        """From now on, of what its limits leave, it may take no more than this."""
        self._deadline = time.monotonic() + wall_s
        if not self.ended:
            self._most_cpu_s = min(usage(self._first).cpu_s + cpu_s, self._limits.cpu_s)

    def _look(self) -> None:
        """Ends the program if it used more than it may."""
        now = time.monotonic()
        self._next_look = now + INTERVAL
        used = usage(self._first)
        self._cpu_s = max(self._cpu_s, used.cpu_s)
        if now > self._deadline:
            self.stop("wall")
        elif used.cpu_s > self._most_cpu_s:
            self.stop("cpu")
        elif used.memory > self._limits.memory_mb * MIB:
            self.stop("memory")
        elif file_count(self._first, SCRATCH) > self._limits.files:
            self.stop("files")

    def stop(self, reason: Reason) -> None:
        """Ends the program, for a reason that its result tells."""
        self._stopped = self._stopped or reason
        self.end()

    def end(self) -> None:
        """Kills what is left of it, and waits until all of it is gone.

        Raises:
            SandboxError: The kernel does not end it.
        """
        if self.ended:
            return
        self._killed = True
        with suppress(ProcessLookupError):
            # The first process of a sandbox does not end before all others did.
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)
        if not wait({self._fd: select.POLLIN}, _PATIENCE_S):
            raise SandboxError("a sandbox does not end; see whether this machine is well")
        self._finish()

    def _finish(self) -> None:
        self._outer.wait()
        self.ended = True
        if self._fd >= 0:
            os.close(self._fd)

    def result(self, stdout: bytes, stderr: bytes) -> Ran:
        """How it ended, once it has.

        Raises:
            SandboxError: It never ran: the sandbox could not be made.
        """
        said = os.read(self._said, 4096)
        if said != b"ok" and not self._killed:
            words = (stderr + said).decode(errors="replace").split()
            raise SandboxError(
                f"a sandbox cannot be made ({' '.join(words)[-200:] or 'no reason'})"
            )
        stopped: Reason | None = self._stopped
        if any(pipe.full for pipe in self.pipes):
            stopped = "output"
        # By the kernel, which counts what `usage` saw a moment ago.
        elif self._outer.returncode == _KILLED and self._cpu_s > self._limits.cpu_s - 0.5:
            stopped = stopped or "cpu"
        return Ran(_KILLED if stopped else self._outer.returncode, stdout, stderr, stopped)


def _first_process(news: int) -> tuple[int, int]:
    """The number of a sandbox's first process, and a descriptor of it, or -1 without one."""
    line = b""
    while b"}" not in line and wait({news: select.POLLIN}, _PATIENCE_S):
        more = os.read(news, 4096)
        if not more:
            break
        line += more
    with suppress(ProcessLookupError):
        if found := re.search(rb'"child-pid": (\d+)', line):
            return int(found[1]), os.pidfd_open(int(found[1]))
    return -1, -1
