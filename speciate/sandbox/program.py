"""What goes into a sandbox, what it may use, and what comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Reason = Literal["wall", "cpu", "memory", "files", "output"]


@dataclass(frozen=True)
class Limits:
    """What a program, with all processes that it starts, may use; MiB and KiB.

    Attributes:
        cpu_s: Seconds of all processes together. Decides, where it can: unlike wall time, it does
            not depend on how busy the machine is.
        wall_s: Seconds from start to end, for programs that wait forever.
        memory_mb: Of addresses of each process, and resident of all of them together, where what
            they share counts several times.
        processes: That exist at once, threads included.
        files: In the scratch folder.
        disk_mb: Of the scratch folder, which is memory too.
        output_kb: Of standard output, and of standard error.
    """

    cpu_s: int = 10
    wall_s: float = 60.0
    memory_mb: int = 512
    processes: int = 16
    files: int = 1000
    disk_mb: int = 64
    output_kb: int = 256


@dataclass(frozen=True)
class Program:
    """A command and the files it finds in the read-only folder /program.

    Attributes:
        argv: What is executed; see `python`.
        files: Content by relative path.
        packages: Whether Python finds the installed packages; or names of folders of those that
            it finds.
    """

    argv: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    packages: bool | tuple[str, ...] = False


@dataclass(frozen=True)
class Ran:
    """How a program ended.

    Attributes:
        status: Exit status; 128 + n after signal n.
        stdout: What it wrote, up to the limit.
        stderr: Likewise.
        stopped: The limit that ended it, if one did.
    """

    status: int
    stdout: bytes
    stderr: bytes
    stopped: Reason | None
