"""Runs programs, alone or two that talk to each other."""

import functools
import platform
import shutil
from collections.abc import Sequence

from speciate.errors import SandboxError
from speciate.sandbox import seccomp
from speciate.sandbox.command import python
from speciate.sandbox.pipes import Inlet, Outlet, Pipe, wait
from speciate.sandbox.process import INTERVAL, Sandboxed
from speciate.sandbox.program import Limits, Program, Ran

_DEFAULT = Limits()
_KIB = 1024
_MISSING = "bubblewrap is missing; install it (apt-get install bubblewrap)"


def available() -> str | None:
    """Why this machine has no sandbox, and what to do; None if it has one."""
    bwrap = shutil.which("bwrap")
    return _MISSING if bwrap is None else _complaint(bwrap)


@functools.cache
def _complaint(bwrap: str) -> str | None:
    if not seccomp.supported():
        return f"there is no filter of system calls for {platform.machine()}; use x86_64 or aarch64"
    try:
        _run(bwrap, Program(python("-c", "")), _DEFAULT, b"")
    except SandboxError as exc:
        return f"{exc}; bubblewrap 0.8 or newer must be allowed to make namespaces"
    return None


def run(program: Program, limits: Limits = _DEFAULT, stdin: bytes = b"") -> Ran:
    """Runs a program to its end, or to the first limit that it meets.

    Args:
        program: What to run.
        limits: What it may use.
        stdin: What it reads.

    Raises:
        SandboxError: There is no sandbox on this machine; nothing ran.
    """
    return _run(bwrap_path(), program, limits, stdin)


def _run(bwrap: str, program: Program, limits: Limits, stdin: bytes) -> Ran:
    with (
        Pipe() as given,
        Pipe() as out,
        Pipe() as err,
        Sandboxed(bwrap, program, limits, (given.source, out.sink, err.sink)) as box,
    ):
        stdout, stderr = (Inlet(pipe, limits.output_kb * _KIB) for pipe in (out, err))
        box.pipes += [stdout, stderr, Outlet(given, stdin)]
        _serve([box])
        return box.result(stdout.data, stderr.data)


def run_linked(first: Program, second: Program, limits: Limits = _DEFAULT) -> tuple[Ran, Ran]:
    """Runs two programs in a sandbox each; what one writes is what the other reads.

    What they write to standard error is collected. When the first ends, the second is ended.

    Args:
        first: One that asks, for instance.
        second: One that answers, and is not to be believed.
        limits: What each of them may use.

    Raises:
        SandboxError: There is no sandbox on this machine; nothing ran.
    """
    bwrap = bwrap_path()
    with (
        Pipe() as there,
        Pipe() as back,
        Pipe() as err,
        Pipe() as other_err,
        Sandboxed(bwrap, first, limits, (back.source, there.sink, err.sink)) as one,
        Sandboxed(bwrap, second, limits, (there.source, back.sink, other_err.sink)) as other,
    ):
        # Each must see the end of what the other wrote.
        for pipe in (there, back):
            pipe.close_source()
            pipe.close_sink()
        said, other_said = (Inlet(pipe, limits.output_kb * _KIB) for pipe in (err, other_err))
        one.pipes.append(said)
        other.pipes.append(other_said)
        _serve([one, other])
        return one.result(b"", said.data), other.result(b"", other_said.data)


def bwrap_path() -> str:
    """Where bubblewrap is.

    Raises:
        SandboxError: It is missing.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxError(_MISSING)
    return bwrap


def _serve(boxes: Sequence[Sandboxed]) -> None:
    """Until the first ends; then the others are ended, and what all of them wrote is taken."""
    while not boxes[0].ended:
        ready = wait({fd: event for box in boxes for fd, event in box.fds.items()}, INTERVAL)
        for box in boxes:
            box.step(ready)
    for box in boxes:
        box.end()
        while box.fds:
            box.step(wait(box.fds, INTERVAL))
