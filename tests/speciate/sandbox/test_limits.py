"""Hostile programs that use up what there is."""

from typing import Any

import pytest


def test_a_fork_bomb_goes_out(inside: Any) -> None:
    found = inside.lines("""
count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except OSError as exc:
    print(count, errno.errorcode[exc.errno])
""")
    assert found == ["15 EAGAIN"]


def test_a_bomb_of_threads_goes_out(inside: Any) -> None:
    (found,) = inside.lines("""
try:
    for count in range(1000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError:
    print(count, flush=True)
os._exit(0)
""")
    assert 5 < int(found) < 16


def test_a_memory_bomb_goes_out(inside: Any) -> None:
    found = inside.lines("for size in (2**30, 2**20): tried(lambda: len(bytearray(size)))")
    assert found == ["MemoryError", "DONE 1048576"]


def test_memory_of_all_processes_counts(inside: Any) -> None:
    source = """
for _ in range(8):
    if os.fork() == 0:
        break
held = b"x" * (60 * 2**20)
time.sleep(60)
"""
    ran = inside(source, memory_mb=150)
    assert (ran.status, ran.stopped) == (137, "memory")


def test_shared_memory_counts(inside: Any) -> None:
    source = """
import mmap
for _ in range(4):
    if os.fork() == 0:
        break
held = mmap.mmap(-1, 60 * 2**20)
for place in range(0, len(held), 4096):
    held[place] = 1
time.sleep(60)
"""
    assert inside(source, memory_mb=150).stopped == "memory"


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "for s in {*range(1, 65)} - {9, 19, 32, 33}: signal.signal(s, signal.SIG_IGN)\n"
        "while True: pass",
        "for _ in range(3): os.fork()\nwhile True: pass",
        "while True:\n    if os.fork() == 0: sum(range(10**6)); os._exit(0)\n    os.waitpid(-1, 0)",
        "while True:\n    try: os.fork()\n    except OSError: pass",
    ],
    ids=["loop", "deaf", "shared out", "by children", "fork bomb"],
)
def test_what_computes_forever_is_stopped(inside: Any, source: str) -> None:
    ran = inside(source, cpu_s=1)
    assert (ran.status, ran.stopped) == (137, "cpu")


@pytest.mark.parametrize(
    "source",
    [
        "time.sleep(1000)",
        "os.close(1); os.close(2); signal.pause()",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); threading.Event().wait()",
        "sys.stdin.read(); os.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["sleeps", "closes", "blocks", "stops"],
)
def test_what_waits_forever_is_stopped(inside: Any, source: str) -> None:
    ran = inside(source, wall_s=1.0)
    assert (ran.status, ran.stopped) == (137, "wall")


@pytest.mark.parametrize("stream", [1, 2])
def test_what_writes_forever_is_stopped(inside: Any, stream: int) -> None:
    ran = inside(f"while True: os.write({stream}, b'x' * 65536)", output_kb=100)
    assert ran.stopped == "output"
    assert [len(ran.stdout), len(ran.stderr)][stream - 1] == 100 * 1024


def test_too_much_is_too_much_though_it_ends(inside: Any) -> None:
    ran = inside("os.write(1, b'x' * 5000)", output_kb=1)
    assert (ran.status, ran.stdout, ran.stopped) == (137, b"x" * 1024, "output")


def test_files_cannot_be_large(inside: Any) -> None:
    source = """
def fill(name):
    with open(f"/tmp/{name}", "wb", buffering=0) as file:
        while file.write(bytes(2**20)) == 2**20:
            pass
    raise OSError(errno.ENOSPC, "")
tried(lambda: fill("one"))
tried(lambda: fill("two"))
tried(lambda: os.posix_fallocate(os.open("/tmp/three", os.O_CREAT | os.O_RDWR), 0, 2**40))
print(sum(os.stat(f"/tmp/{name}").st_blocks for name in os.listdir("/tmp")) * 512 <= 4 * 2**20)
"""
    found = inside.lines(source, disk_mb=4)
    assert set(found[:3]) <= {"ENOSPC", "EFBIG"}
    assert found[3] == "True"


def test_files_cannot_be_many(inside: Any) -> None:
    source = "for n in range(10**9): open(f'/tmp/{n}', 'w').close()"
    assert inside(source, files=500).stopped == "files"


def test_limits_cannot_be_raised(inside: Any) -> None:
    found = inside.lines("""
import resource
for name in ("AS", "CPU", "NPROC", "FSIZE", "NOFILE", "STACK", "CORE"):
    kind = getattr(resource, f"RLIMIT_{name}")
    soft, hard = resource.getrlimit(kind)
    assert soft == hard
    tried(lambda: resource.setrlimit(kind, (hard + 1, hard + 1)))
tried(lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000"))
tried(lambda: os.nice(-5))
""")
    assert found[:7] == ["ValueError"] * 7
    assert set(found[7:]) <= {"EACCES", "EPERM"}
