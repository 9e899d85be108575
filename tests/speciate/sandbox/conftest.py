"""Programs in sandboxes, started by whoever runs the tests and, where that is root, by another."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from speciate import sandbox
from speciate.sandbox import Limits, Program, Ran, python

SOURCES = Path(sandbox.__file__).parent
NOBODY = 65534
SYSTEM_PYTHON = "/usr/bin/python3"
# A program calls `tried` on what it should not be able to do: it prints the error, or DONE.
PRELUDE = """
import ctypes, errno, os, signal, subprocess, sys, threading, time
def tried(what):
    try:
        print("DONE", what(), flush=True)
    except BaseException as exc:
        code = getattr(exc, "errno", None)
        print(errno.errorcode[code] if code else type(exc).__name__, flush=True)
libc = ctypes.CDLL(None, use_errno=True)
def checked(status):
    if status == -1:
        raise OSError(ctypes.get_errno(), "")
"""
# The same as `here`, in a process of its own.
DRIVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from speciate.sandbox import Limits, Program, python, run
given = json.load(sys.stdin)
program = Program(python("/program/main.py"), {"main.py": given["source"].encode()})
ran = run(program, Limits(**given["limits"]), given["stdin"].encode())
print(json.dumps([ran.status, ran.stdout.decode(), ran.stderr.decode(), ran.stopped]))
"""


class Inside:
    """Runs programs with the prelude."""

    def __init__(self, sources: Path | None) -> None:
        """Runs them as somebody else if there are modules that he may read."""
        self._sources = sources

    def __call__(self, source: str, stdin: bytes = b"", **limits: Any) -> Ran:
        """How a program ended."""
        chosen = Limits(**{"wall_s": 30, **limits})
        if self._sources:
            return as_another(self._sources, PRELUDE + source, stdin, chosen)
        program = Program(python("/program/main.py"), {"main.py": (PRELUDE + source).encode()})
        return sandbox.run(program, chosen, stdin)

    def lines(self, source: str, stdin: bytes = b"", **limits: Any) -> list[str]:
        """What a program printed that was not stopped and does not complain."""
        ran = self(source, stdin, **limits)
        assert ran.stopped is None, ran
        assert ran.stderr == b"", ran.stderr.decode()
        return ran.stdout.decode().splitlines()


def as_another(sources: Path, source: str, stdin: bytes, limits: Limits) -> Ran:
    """Runs a program as somebody who is not root, with the system's Python."""
    given = {"source": source, "stdin": stdin.decode(), "limits": asdict(limits)}
    said = subprocess.run(
        [SYSTEM_PYTHON, "-I", "-c", DRIVER, str(sources)],
        input=json.dumps(given),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    status, stdout, stderr, stopped = json.loads(said.stdout)
    return Ran(status, stdout.encode(), stderr.encode(), stopped)


@pytest.fixture(scope="module")
def readable() -> Iterator[Path]:
    """The sandbox's modules in a folder that everybody may read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        package = Path(folder) / "speciate"
        shutil.copytree(SOURCES, package / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(SOURCES.parent / "errors.py", package)
        (package / "__init__.py").touch()
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755)
        yield Path(folder)


@pytest.fixture(params=["ourselves", "another"])
def inside(request: Any, readable: Path) -> Inside:
    """Runs programs in sandboxes."""
    if request.param == "ourselves":
        return Inside(None)
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    if os.geteuid() != 0 or subprocess.run([SYSTEM_PYTHON, "-c", version]).returncode:
        pytest.skip("needs root, and the system's Python to be 3.11 or newer")
    return Inside(readable)
