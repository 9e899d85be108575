"""A program that stays up in its sandbox and answers one request after the other."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from speciate.errors import ProgramError
from speciate.sandbox.frames import Answering, Asking
from speciate.sandbox.pipes import Inlet, Pipe, wait
from speciate.sandbox.process import INTERVAL, Sandboxed
from speciate.sandbox.program import Limits, Program
from speciate.sandbox.running import bwrap_path

_KIB, _SHOWN, _MOMENT_S = 1024, 200, 2.0
_WORDS = {
    "wall": "took too long",
    "cpu": "took more processor time than it may",
    "memory": "took more memory than it may",
    "files": "made more files than it may",
    "output": "wrote more than it was asked for, or before it was asked",
}


@dataclass(frozen=True)
class Patience:
    """What one request may take.

    Attributes:
        cpu_s: Seconds of all processes together; see `Limits`.
        wall_s: Seconds until the answer is complete.
        answer: Bytes of the answer.
    """

    cpu_s: float
    wall_s: float
    answer: int


class Session:
    """A program that reads requests from its standard input and writes answers to its output.

    Both are frames: eight bytes, the lowest first, with the length of what follows. Nothing that
    the program does makes `ask` wait for longer than it says, nor keep more bytes. For one thread.
    """

    def __init__(self, program: Program, limits: Limits) -> None:
        """Starts it.

        Args:
            program: What to run.
            limits: What it may use while it is up; `wall_s` is each request's own.

        Raises:
            SandboxError: There is no sandbox on this machine; nothing ran.
        """
        with ExitStack() as stack:
            there, back, err = (stack.enter_context(Pipe()) for _ in range(3))
            ends = (there.source, back.sink, err.sink)
            box = stack.enter_context(Sandboxed(bwrap_path(), program, limits, ends))
            self._asking, self._answer = Asking(there), Answering(back)
            self._said = Inlet(err, limits.output_kb * _KIB)
            box.pipes += [self._asking, self._answer, self._said]
            self._box, self._stack = box, stack.pop_all()
        self._error: ProgramError | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the program and all that it started."""
        self._stack.close()

    def ask(self, parts: Sequence[memoryview], patience: Patience) -> bytearray:
        """The answer to a request.

        Args:
            parts: The request, in pieces that are sent one behind the other.
            patience: What the program may take for it.

        Raises:
            ProgramError: It ended, met a limit, or wrote what it should not; it has been killed,
                and whatever else is asked gets the same error.
            SandboxError: It never ran: the sandbox could not be made.
        """
        self._box.allow(patience.cpu_s, patience.wall_s)
        self._step(0)  # What is there by now, nobody asked for.
        self._asking.begin(parts)
        self._answer.begin(patience.answer)
        while not (self._answer.complete and self._asking.sent):
            if self._failed:
                raise self._failure()
            self._step(INTERVAL)
        return self._answer.take()

    def _step(self, seconds: float) -> None:
        self._box.step(wait(self._box.fds, seconds))

    @property
    def _failed(self) -> bool:
        """Whether no answer can come, or one is there that answers nothing."""
        answer = self._answer
        if answer.full or answer.ended or answer.complete:
            return True
        # What it wrote before it ended may still be in the pipe.
        return self._box.ended and not wait({answer.fd: answer.event}, 0)

    def _failure(self) -> Exception:
        """What became of the program, which is over now."""
        if self._error is None:
            self._end()
            ran = self._box.result(b"", self._said.data)
            words = " ".join(ran.stderr.decode(errors="replace").split())[-_SHOWN:]
            ended = f"ended with status {ran.status}{f' ({words})' if words else ''}"
            self._error = ProgramError(_WORDS[ran.stopped] if ran.stopped else ended)
        return self._error

    def _end(self) -> None:
        if self._answer.full or self._answer.complete:
            self._box.stop("output")
        # It closed its output: mostly since it ends, which takes it a moment.
        deadline = time.monotonic() + _MOMENT_S
        while not self._box.ended and time.monotonic() < deadline:
            self._step(INTERVAL)
        self._box.end()
        while self._said.fd in wait(self._box.fds, 0):
            self._said.step()
