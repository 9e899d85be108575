"""Programs that stay up: what they answer, and all the ways in which they do not."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from speciate.errors import ProgramError, SandboxError
from speciate.sandbox import Limits, Patience, Program, Session, python

PATIENCE = Patience(cpu_s=2, wall_s=20, answer=1000)
# A program defines `answer`, which is given the bytes of each request.
PRELUDE = """
import os, signal, sys, threading, time
def read(count):
    data = b""
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more:
            sys.exit()
        data += more
    return data
def frame(data):
    return len(data).to_bytes(8, "little") + data
def write(data):
    while data:
        data = data[os.write(1, data) :]
"""
LOOP = """
while True:
    write(frame(answer(read(int.from_bytes(read(8), "little")))))
"""
Start = Callable[..., Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs, and ends them."""
    sessions: list[Session] = []

    def started(source: str, loop: bool = True, **limits: int) -> Session:
        text = PRELUDE + source + (LOOP if loop else "")
        program = Program(python("/program/main.py"), {"main.py": text.encode()})
        sessions.append(Session(program, Limits(**limits)))
        return sessions[-1]

    yield started
    for session in sessions:
        session.close()


def ask(session: Session, data: bytes = b"abc", patience: Patience = PATIENCE) -> bytes:
    return bytes(session.ask([memoryview(data)], patience))


def said(session: Session, data: bytes = b"abc", patience: Patience = PATIENCE) -> str:
    """The error that a request ends with, as all that come after it do."""
    with pytest.raises(ProgramError) as caught:
        ask(session, data, patience)
    assert "\n" not in str(caught.value)
    with pytest.raises(ProgramError, match="^" + str(caught.value)[:20]):
        ask(session)
    return str(caught.value)


def test_it_answers_one_request_after_the_other(start: Start) -> None:
    session = start("count = 0\ndef answer(data):\n  global count; count += 1; return data * count")
    assert [ask(session, data) for data in (b"ab", b"", b"c")] == [b"ab", b"", b"ccc"]


def test_large_requests_and_answers_travel_in_pieces(start: Start) -> None:
    session = start("def answer(data): return data[::-1]")
    parts = [memoryview(bytes([number]) * 3_000_001) for number in (1, 2)]
    found = session.ask(parts, Patience(5, 30, 7_000_000))
    assert found == bytes([2]) * 3_000_001 + bytes([1]) * 3_000_001


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def answer(data): return b'x' * 1001", "wrote more than it was asked for"),
        ("write(frame(b'forged') * 2)\ndef answer(data): return data", ""),
        ("def answer(data): write(frame(b'one')); return b'two'", ""),
        ("def answer(data): write(b'\\xff' * 8); time.sleep(60)", "wrote more than"),
        ("def answer(data): sys.stderr.write('x' * 10**6); return data", "wrote more than"),
        ("def answer(data): write(frame(b'x' * 100)[:50]); os._exit(0)", "ended with status 0"),
        ("def answer(data): raise ValueError('no\\nsuch')", "ended with status 1 ("),
        ("def answer(data): os.kill(os.getpid(), signal.SIGSEGV)", "ended with status 139"),
        ("sys.exit(3)", "ended with status 3"),
    ],
    ids=[
        *("too much", "before it was asked", "twice", "endless length", "on standard error"),
        *("cut off", "raises", "crashes", "ends"),
    ],
)
def test_what_is_no_answer_is_an_error(start: Start, source: str, words: str) -> None:
    session = start(source)
    if not words:  # What nobody asked for answers the next question, but no more than that.
        with suppress(ProgramError):
            ask(session)
        time.sleep(0.1)
        words = "wrote more than"
    assert said(session).startswith(words)


def test_an_answer_counts_though_its_program_ends(start: Start) -> None:
    session = start("def answer(data): write(frame(data * 300)); os._exit(3)")
    assert ask(session) == b"abc" * 300
    assert said(session) == "ended with status 3"


def test_an_answer_to_half_a_question_is_none(start: Start) -> None:
    session = start("write_once = read(8)\nwrite(frame(b'early'))\ntime.sleep(60)", loop=False)
    assert said(session, bytes(10**7)).startswith("wrote more than")


@pytest.mark.parametrize(
    ("source", "patience", "words"),
    [
        ("while True: pass", Patience(0.5, 20, 9), "took more processor time than it may"),
        ("time.sleep(60)", Patience(2, 0.5, 9), "took too long"),
        ("os.close(1); time.sleep(60)", Patience(2, 0.5, 9), "took too long"),
        ("write(frame(b'abc')[:9])\n time.sleep(60)", Patience(2, 0.5, 9), "took too long"),
        (
            "[open(f'/tmp/{n}', 'w').close() for n in range(10**6)]",
            Patience(5, 20, 9),
            "made more files than it may",
        ),
        (
            "os.fork(), os.fork(); held = bytearray(b'x') * 2**26; time.sleep(60)",
            Patience(5, 20, 9),
            "took more memory than it may",
        ),
    ],
    ids=["computes", "sleeps", "closes its output", "stops midway", "files", "memory"],
)
def test_each_request_has_limits(start: Start, source: str, patience: Patience, words: str) -> None:
    source = f"def answer(data):\n if data == b'ok': return data\n {source}"
    session = start(source, memory_mb=250, files=200)
    assert ask(session, b"ok") == b"ok"
    assert said(session, patience=patience).startswith(words)


def test_a_request_gets_time_of_its_own(start: Start) -> None:
    session = start("def answer(data):\n time.sleep(0.3); return data")
    for _ in range(4):
        assert ask(session, patience=Patience(1, 1.0, 9)) == b"abc"


def test_all_of_it_ends_with_the_session(start: Start) -> None:
    source = """
if os.fork() == 0:
    os.setsid()
    os.execvp("sleep", ["sleep", "98765.7777"])
def answer(data): return data
"""
    session = start(source)
    assert ask(session) == b"abc"
    session.close()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            assert b"98765.7777" not in path.read_bytes()


def test_descriptors_are_given_back(start: Start) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for source in ("def answer(data): return data", "sys.exit()"):
        with suppress(ProgramError):
            ask(session := start(source))
        session.close()
        session.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_nobody_is_waited_for_who_reads_nothing(start: Start) -> None:
    session = start("os.close(0); time.sleep(60)", loop=False)
    assert said(session, bytes(10**7), Patience(1, 0.5, 9)) == "took too long"


def test_only_packages_that_are_named_are_there(start: Start) -> None:
    source = "import numpy, os; assert len(os.listdir('/packages/0')) <= 2; import pydantic"
    program = Program(python("-c", source), packages=("numpy", "numpy.libs"))
    with Session(program, Limits(memory_mb=2048)) as session:
        assert "No module named 'pydantic'" in said(session)


def test_a_bubblewrap_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: not permitted' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (
        Session(Program(python("-c", "")), Limits()) as session,
        pytest.raises(SandboxError, match="not permitted"),
    ):
        ask(session)


def test_signals_to_the_parent_reach_nobody(start: Start) -> None:
    source = f"def answer(data):\n os.kill({os.getpid()}, {signal.SIGTERM:d}); return data"
    assert "ProcessLookupError" in said(start(source))
