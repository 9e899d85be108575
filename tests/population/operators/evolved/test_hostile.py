"""Hostile sources, run without the checks that would refuse most of them: the sandbox is the wall.

What they find out they can only tell as an error or as numbers.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from speciate.errors import BreedError, ProgramError
from speciate.population.operators.evolved import merging
from speciate.population.operators.evolved.merging import Bounds, Request, Sandboxes
from speciate.population.operators.evolved.wire import header
from speciate.sandbox import Program, python

BOUNDS = Bounds(cpu_s=0.0, idle=20.0, memory_mb=300)
HURRIED = Bounds(cpu_s=0.0, idle=1.0, memory_mb=300)
# What is tried gives an error's name, or DONE; the list of all is what the source fails with.
PRELUDE = '''"""Does harm."""
import ctypes, errno, os, signal, socket, subprocess, sys, threading, time
import numpy as np
def tried(what):
    try:
        return f"DONE {what()}"
    except BaseException as exc:
        code = getattr(exc, "errno", None)
        return errno.errorcode[code] if code else type(exc).__name__
class Told(Exception): pass
def tell(*found):
    raise Told(" ".join(map(str, found)))
libc = ctypes.CDLL(None, use_errno=True)
def checked(status):
    if status == -1:
        raise OSError(ctypes.get_errno(), "")
'''
Run = Callable[..., Tensor]


def request(shape: tuple[int, ...] = (2, 3)) -> Request:
    size = torch.Size(shape).numel()
    models = [torch.arange(size, dtype=torch.float32).reshape(shape) + n for n in (1, 2)]
    return Request(models, None, {}, 7)


def lines(body: str) -> str:
    """A source whose merge does this."""
    inner = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    return f"{PRELUDE}def merge(models, base, parameters, random):\n{inner}\n    return models[0]\n"


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a source on one tensor; nothing that it opened or started is left here."""
    before = set(Path("/proc/self/fd").iterdir())

    def one(body: str, bounds: Bounds = BOUNDS) -> Tensor:
        with Sandboxes(lines(body), bounds) as sandboxes:
            return sandboxes.merge(request(), "x")

    yield one
    assert set(Path("/proc/self/fd").iterdir()) == before
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in children]
    assert "bwrap" not in names


def told(run: Run, body: str, bounds: Bounds = BOUNDS) -> str:
    """What a source fails with; always one line, with its digest and the tensor's name."""
    with pytest.raises(BreedError) as caught:
        run(body, bounds)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("evolved operator ")
    return text.partition(": tensor x: ")[2].removeprefix("Told: ").rpartition(" (line")[0] or text


def failed(run: Run, body: str, bounds: Bounds = BOUNDS) -> str:
    with pytest.raises(BreedError) as caught:
        run(body, bounds)
    return str(caught.value).partition(": tensor x: ")[2]


def honest(found: Tensor) -> bool:
    return torch.equal(found, request().models[0])


def test_it_has_no_environment_of_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    found = told(run, "tell(*sorted(os.environ), os.environ['HOME'])")
    assert set(found.split()) == {
        *("HOME", "LANG", "PATH", "PWD", "PYTHONHASHSEED", "PYTHONPATH", "/tmp"),
        *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    }


def test_it_reads_no_file_of_ours(run: Run, tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("secret")
    paths = [str(tmp_path / "id_rsa"), str(Path.home() / ".ssh"), "/etc/passwd", str(Path.cwd())]
    body = f"tell(*(tried(lambda: os.stat(path)) for path in {paths}))"
    assert told(run, body) == "ENOENT ENOENT ENOENT ENOENT"


def test_it_sees_none_of_our_processes(run: Run) -> None:
    body = f"""
path = "/proc/{os.getpid()}/environ"
tell(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()), tried(lambda: open(path)))
"""
    found = told(run, body)
    assert found.startswith("[1, 2, ")
    assert found.count(",") == 2
    assert found.endswith("] ENOENT")


def test_it_cannot_write_into_the_process_that_starts_it(run: Run) -> None:
    body = """
parent = os.getppid()
paths = [f"/proc/{parent}/{name}" for name in ("mem", "environ", "maps", "fd/1", "fd/3")]
found = [tried(lambda: open(path, "r+b")) for path in paths]
found.append(tried(lambda: checked(libc.ptrace(16, parent, 0, 0))))
found.append(tried(lambda: checked(libc.syscall(311, parent, 0, 0, 0, 0, 0))))
tell(parent, *found)
"""
    first, *rest = told(run, body).split()
    assert first == "2"
    assert len(rest) == 7
    assert set(rest) <= {"EACCES", "EPERM", "ENOSYS"}


def test_it_has_no_network(run: Run) -> None:
    body = """
families = (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
tell(*(tried(lambda: socket.socket(family)) for family in families))
"""
    assert told(run, body) == "EPERM EPERM EPERM"


def test_it_has_no_descriptor_to_answer_with(run: Run) -> None:
    body = """
forged = (8).to_bytes(8, "little") + bytes(8)
for fd in range(64):
    tried(lambda: os.write(fd, forged))
print("forged")
print("forged", file=sys.stderr)
"""
    assert honest(run(body))


def test_it_cannot_answer_before_it_is_asked(run: Run) -> None:
    """At the top of a source, there is no request yet; there is nothing to answer to, either."""
    source = lines("pass").replace("def merge", "for fd in range(64): tried(lambda: "
                                   "os.write(fd, bytes(99)))\ndef merge")  # fmt: skip
    with Sandboxes(source, BOUNDS) as sandboxes:
        for _ in range(3):
            assert honest(sandboxes.merge(request(), "x"))


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ("tell(tried(os.fork))", {"EAGAIN"}),
        ("while True: os.fork()", {"BlockingIOError: [Errno 11] Resource temporarily unavailable"}),
        ("tell(tried(lambda: threading.Thread(target=print).start()))", {"RuntimeError"}),
        ("tell(tried(lambda: subprocess.run(['/usr/bin/id'])))", {"EAGAIN"}),
        ("tell(tried(lambda: os.posix_spawn('/usr/bin/id', ['id'], {})))", {"EAGAIN"}),
    ],
    ids=["fork", "fork bomb", "thread", "subprocess", "spawn"],
)
def test_it_starts_no_process(run: Run, body: str, errors: set[str]) -> None:
    assert told(run, body) in errors


def test_another_program_in_its_place_answers_nothing(run: Run) -> None:
    body = "os.execv('/bin/sh', ['sh', '-c', 'echo forged; exit 3'])"
    assert failed(run, body) == "ended itself with status 3"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("while True: pass", "took more than 1 s of processor time"),
        (
            "for s in {*range(1, 65)} - {9, 19, 32, 33}: signal.signal(s, signal.SIG_IGN)\n"
            "while True: pass",
            "took more than 1 s of processor time",
        ),
        ("while True: os.write(1, bytes(65536))", "took more than 1 s of processor time"),
        ("return np.ones((2**14, 2**14))", "MemoryError: Unable to allocate 2.00 GiB"),
        ("held = []\nwhile True: held.append(bytearray(2**24))", "MemoryError"),
        ("return merge(models, base, parameters, random)", "RecursionError: maximum recursion"),
        ("os._exit(0)", "ended itself with status 0"),
        ("sys.exit('no\\nmore')", "SystemExit: no more"),
        ("ctypes.string_at(0)", "was ended by signal 11"),
        ("os.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("raise ValueError('x' * 10**7)", "ValueError: xxx"),
    ],
    ids=[
        *("loop", "deaf", "writes", "memory bomb", "hoards", "recursion", "leaves", "exits"),
        *("crashes", "kills itself", "shouts"),
    ],
)
def test_what_it_uses_up_is_its_own(run: Run, body: str, words: str) -> None:
    found = failed(run, body)
    assert found.startswith(words)
    assert len(found) < 400


@pytest.mark.parametrize(
    "body", ["time.sleep(1000)", "os.kill(os.getppid(), signal.SIGSTOP)\nsignal.pause()"]
)
def test_nobody_waits_for_it_forever(run: Run, body: str) -> None:
    assert failed(run, body, HURRIED) == "took too long"


@pytest.mark.parametrize("target", ["os.getppid()", "-1"])
def test_who_kills_the_sandbox_ends_alone(run: Run, target: str) -> None:
    body = f"os.kill({target}, signal.SIGKILL)\nsignal.pause()"
    assert failed(run, body) in ("ended with status 137", "took too long")


def test_it_kills_nobody_outside(run: Run) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    body = f"tell(*(tried(lambda: os.kill(p, 9)) for p in {[os.getpid(), victim.pid]}))"
    assert told(run, body) == "ESRCH ESRCH"
    assert victim.poll() is None
    victim.kill()
    victim.wait()


def test_it_writes_nowhere_else(run: Run) -> None:
    paths = ["/x", "/usr/x", "/program/x", "/program/source.txt", "/launcher.py", "/packages/0/x"]
    body = f"tell(*(tried(lambda: open(path, 'w')) for path in {paths}))"
    assert set(told(run, body).split()) <= {"EROFS", "EACCES"}


@pytest.mark.parametrize(
    "body",
    [
        "open('/tmp/seen', 'w').write('1')",
        "os.symlink('/etc/shadow', '/tmp/a')\nassert tried(lambda: open('/tmp/a')) == 'ENOENT'",
        "os.symlink('../../root/.ssh', '/tmp/a')\nassert tried(lambda: os.listdir('/tmp/a')) == "
        "'ENOENT'",
        "file = open('/tmp/x', 'wb', 0)\nassert tried(lambda: [file.write(bytes(2**16)) for _ in "
        "range(99)]) == 'ENOSPC'",
    ],
    ids=["file", "link", "link up", "disk"],
)
def test_it_leaves_no_file_for_the_next_tensor(run: Run, body: str) -> None:
    assert "RuntimeError: the operator left files behind" in failed(run, body)


def test_links_that_it_removes_led_nowhere(run: Run) -> None:
    body = """
os.symlink("/", "/tmp/root")
found = [tried(lambda: os.stat("/tmp/root" + path)) for path in ("/etc/passwd", "/home", "/work")]
os.unlink("/tmp/root")
tell(*found)
"""
    assert told(run, body) == "ENOENT ENOENT ENOENT"


def test_it_remembers_nothing() -> None:
    """Neither variables nor a changed numpy: trials cannot be told from merges."""
    body = """
np.calls = getattr(np, "calls", 0) + 1
sys.modules["math"].calls = np.calls
np.mean = lambda *_, **__: np.float32(np.calls)
return models[0] * np.float32(np.calls)
"""
    with Sandboxes(lines(body), BOUNDS) as sandboxes:
        assert all(honest(sandboxes.merge(request(), "x")) for _ in range(3))


def test_it_cannot_change_what_it_is_given() -> None:
    asked = request()
    body = "models[0].flags.writeable = True\nmodels[0][:] = 9\nreturn models[0] * 1"
    with Sandboxes(lines(body), BOUNDS) as sandboxes:
        assert (sandboxes.merge(asked, "x") == 9).all()
    assert honest(asked.models[0])


def test_imports_lead_nowhere(run: Run) -> None:
    names = ("torch", "pydantic", "speciate.errors", "safetensors", "pip")
    body = f"""
import importlib
found = [tried(lambda: importlib.import_module(name)) for name in {names}]
walk = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_wrap_close"]
found.append(walk[0].__init__.__globals__["system"]("id > /tmp/x") != 0)
builtins = __builtins__ if isinstance(__builtins__, dict) else vars(__builtins__)
found.append(tried(lambda: builtins["open"]("/etc/shadow")))
tell(*found)
"""
    assert told(run, body) == "ModuleNotFoundError " * 5 + "True ENOENT"


def test_system_calls_lead_nowhere(run: Run) -> None:
    body = """
tell(
    tried(lambda: checked(libc.unshare(0x10000000))),
    tried(lambda: checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b""))),
    tried(lambda: os.setuid(0)),
    tried(lambda: os.listdir("/proc/1/fd")),
)
"""
    assert set(told(run, body).split()) <= {"EPERM", "EACCES"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("area[0] = 1; area[2**14:] = bytes([0, 0, 192, 127]) * 6", "made NaN or infinite values"),
        ("area[0] = 2; area[1:4] = bytes([255] * 3)", "answered with something that is no tensor"),
        ("area[0] = 2; area[1:6] = b'\\x02\\0\\0' + b'\\xff\\x1b'", "\ufffd"),
        ("area[0] = 77", "ended itself with status 0"),
    ],
    ids=["NaN", "nothing told", "no text", "no such answer"],
)
def test_what_it_forges_in_its_own_process_is_only_an_answer(
    run: Run, body: str, words: str
) -> None:
    frames = "frame = sys._getframe()\nwhile 'area' not in frame.f_locals: frame = frame.f_back\n"
    forged = f"{frames}area = frame.f_locals['area']\n{body}\nos._exit(0)"
    assert failed(run, forged) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return models[0] / 0", "made NaN or infinite values"),
        ("return models[0][:1]", "TypeError: merge returned the shape (1, 3), not (2, 3)"),
        ("return models[0].astype(float)", "TypeError: merge returned float64, not float32"),
        ("return [1.0]", "TypeError: merge returned a list, not an array"),
        ("models[0] += 1", "ValueError: output array is read-only (line"),
    ],
)
def test_what_is_no_result_is_an_error(run: Run, body: str, words: str) -> None:
    assert failed(run, body).startswith(words)


def test_one_that_lies_about_what_it_is(run: Run) -> None:
    body = """
class Liar(np.ndarray):
    shape = (2, 3)
    dtype = np.dtype(np.float32)
return np.zeros((9, 9), np.float64).view(Liar)
"""
    assert "could not broadcast" in failed(run, body)


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data


FIRST, NOTHING = header({"result": (2, 3)}), "answered with something that is no tensor"
FRAMES = {
    "cut off": (framed(FIRST + bytes(24))[:-9], "ended with status 0"),
    "garbage": (framed(b"\xff" * 9), NOTHING),
    "endless": (b"\xff" * 8, "wrote more than it was asked for, or before it was asked"),
    "empty": (framed(b""), NOTHING),
    "no data": (framed(FIRST), NOTHING),
    "too short": (framed(FIRST + bytes(20)), "answered with another number of elements"),
    "another shape": (framed(header({"result": (3, 2)}) + bytes(24)), NOTHING),
    "huge header": (framed(b"\xff" * 8 + b"{" * 8), NOTHING),
    "deep header": (framed((9000).to_bytes(8, "little") + b"[" * 9000), NOTHING),
    "an error that is none": (framed(header({"error": (1,)})), NOTHING),
    "twice": (framed(FIRST + bytes(24)) * 2, ""),
}


@pytest.mark.parametrize("name", FRAMES)
def test_even_a_taken_over_sandbox_only_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a source had become the process that starts it, which no test here achieves."""
    frame, words = FRAMES[name]
    source = f"import os\nos.read(0, 2**16)\nos.write(1, {frame!r})"
    program = Program(python("-c", source))
    monkeypatch.setattr(merging, "_program", lambda _: program)
    with Sandboxes("", BOUNDS) as sandboxes:
        if words:
            with pytest.raises(ProgramError, match="^" + words):
                sandboxes.attempt(request())
        else:
            assert not sandboxes.attempt(request()).any()
            with pytest.raises(ProgramError, match=r"^(wrote more than|ended with)"):
                sandboxes.attempt(request())


def test_an_error_is_shown_in_one_line_without_control_characters(run: Run) -> None:
    body = "raise ValueError('\\x1b[31m' + 'a\\nb\\r\\u202e\\u2028' + 'c' * 9)"
    assert failed(run, body).startswith("ValueError: [31ma b ccccccccc (line")
