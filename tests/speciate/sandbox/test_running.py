"""How programs begin, talk and end."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from speciate import sandbox
from speciate.errors import SandboxError
from speciate.sandbox import Limits, Program, Ran, python


def sleeping(seconds: str) -> bool:
    """Whether some process of this machine sleeps for so long."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if words[0].endswith(b"sleep") and words[1] == seconds.encode():
                return True
    return False


def test_a_program_runs(inside: Any) -> None:
    source = "print(sys.stdin.read().upper()); print('x', file=sys.stderr); sys.exit(3)"
    assert inside(source, b"abc") == Ran(3, b"ABC\n", b"x\n", None)


def test_a_signal_is_told(inside: Any) -> None:
    assert inside("os.kill(os.getpid(), signal.SIGTERM)").status == 128 + signal.SIGTERM


def test_what_it_does_not_read_does_not_hang(inside: Any) -> None:
    assert inside.lines("print(1)", b"x" * 10**6) == ["1"]


def test_strings_hash_the_same_each_time(inside: Any) -> None:
    source = "print(list({str(n) for n in range(50)}))"
    assert inside(source).stdout == inside(source).stdout


def test_daemons_end_with_the_program(inside: Any) -> None:
    source = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        os.execvp("sleep", ["sleep", "98765.4321"])
    os._exit(0)
os.wait()
def begun(pid):
    return b"98765.4321" in open(f"/proc/{pid}/cmdline", "rb").read()
while not any(begun(pid) for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"):
    time.sleep(0.01)
print("left")
"""
    assert inside.lines(source) == ["left"]
    assert not sleeping("98765.4321")


def test_programs_end_with_who_started_them(tmp_path: Path) -> None:
    source = "from speciate.sandbox import *; run(Program(['/usr/bin/sleep', '98765.1234']))"
    parent = subprocess.Popen([sys.executable, "-c", source], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not sleeping("98765.1234") and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    assert parent.wait() == -signal.SIGKILL
    while sleeping("98765.1234") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert time.monotonic() < deadline


def test_the_examples_of_the_docs_run() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", docs, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        before, _, call = block.strip().rpartition("\n")
        names: dict[str, Any] = {"Ran": Ran}
        exec(before, names)
        asked, _, said = call.partition("  # ")
        assert eval(asked, names) == eval(said, names)


def test_linked_programs_talk_to_each_other() -> None:
    asks = b"import sys\nprint('ping', flush=True)\nprint(input(), file=sys.stderr)"
    answers = b"import os\nos.write(2, b'noise')\nprint(input() + ' pong', flush=True)\ninput()"
    programs = [Program(python("/program/main.py"), {"main.py": one}) for one in (asks, answers)]
    first, second = sandbox.run_linked(*programs)
    assert (first.status, first.stderr) == (0, b"ping pong\n")
    assert second.stderr.startswith(b"noise")


def test_the_first_ends_the_second() -> None:
    sleeps = Program(python("-c", "import time; time.sleep(1000)"))
    first, second = sandbox.run_linked(Program(python("-c", "")), sleeps)
    assert (first.status, second.status, second.stopped) == (0, 137, None)


def test_packages_are_there_if_asked_for() -> None:
    source = "import numpy; print(numpy.zeros(2).sum())"
    ran = sandbox.run(Program(python("-c", source), packages=True), Limits(memory_mb=2048))
    assert ran.stdout == b"0.0\n", ran


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", "a\0b"])
def test_files_stay_in_their_folder(path: str) -> None:
    with pytest.raises(ValueError, match="is no relative path"):
        sandbox.run(Program(python("-c", ""), {path: b""}))


def test_what_cannot_be_executed_is_an_error() -> None:
    with pytest.raises(SandboxError, match="No such file"):
        sandbox.run(Program(["/usr/bin/nothing"]))


def test_without_bubblewrap_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox.available() is None
    monkeypatch.setenv("PATH", "/nowhere")
    said = "bubblewrap is missing; install it (apt-get install bubblewrap)"
    assert sandbox.available() == said
    with pytest.raises(SandboxError) as caught:
        sandbox.run(Program(python("-c", "")))
    assert str(caught.value) == said


def test_a_bubblewrap_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: not permitted' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "bwrap: not permitted" in str(sandbox.available())
