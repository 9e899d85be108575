import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from speciate.errors import BreedError
from speciate.population.processes import Tell, side_by_side

pytestmark = pytest.mark.forks
Patiently = Callable[[Callable[[], bool]], bool]


def test_each_thing_is_done_once_and_progress_told() -> None:
    heard: list[int] = []

    def work(numbers: Iterator[int], tell: Tell) -> tuple[int, list[int]]:
        done = []
        for number in numbers:
            done.append(number)
            tell(1 << 23)
            time.sleep(0.01)
        return os.getpid(), done

    results = side_by_side(work, 20, 3, heard.append)
    assert sorted(number for _, done in results for number in done) == list(range(20))
    assert len({os.getpid(), *(pid for pid, _ in results)}) == 4
    assert sum(heard) == 20 << 23


def test_a_slow_thing_leaves_the_others_to_other_processes(
    tmp_path: Path, patiently: Patiently
) -> None:
    def work(numbers: Iterator[int], _: Tell) -> list[int]:
        done = []
        for number in numbers:
            done.append(number)
            if number == 0:
                assert patiently((tmp_path / "last").exists)
            if number == 29:
                (tmp_path / "last").touch()
        return done

    assert [0] in side_by_side(work, 30, 2)


class Strange(Exception):  # noqa: N818
    """Cannot be pickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (BreedError("x: not finite"), BreedError("x: not finite")),
        (Strange("one", "two"), RuntimeError("Strange: one two")),
    ],
)
def test_errors_are_raised_here(error: Exception, raised: Exception) -> None:
    def work(numbers: Iterator[int], _: Tell) -> None:
        for number in numbers:
            if number == 2:
                raise error

    with pytest.raises(type(raised)) as caught:
        side_by_side(work, 5, 2)
    assert str(caught.value) == str(raised)


def test_of_several_errors_it_is_the_first_things_whoever_is_faster() -> None:
    """Regression: which of two tensors was blamed depended on timing, and errors are archived."""

    def work(numbers: Iterator[int], _: Tell) -> None:
        for number in numbers:
            time.sleep(0.3 if number == 0 else 0)
            raise BreedError(f"thing {number}")

    with pytest.raises(BreedError, match="thing 0"):
        side_by_side(work, 5, 2)


def test_a_process_that_is_killed_is_an_error() -> None:
    """The others end too, whatever they wait for."""

    def work(numbers: Iterator[int], _: Tell) -> None:
        for number in numbers:
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    begin = time.monotonic()
    with pytest.raises(BreedError, match=r"was killed, .* use fewer --jobs"):
        side_by_side(work, 2, 2)
    assert time.monotonic() - begin < 30


def test_processes_end_when_the_user_asks_for_it(tmp_path: Path) -> None:
    """They do not hear Ctrl-C themselves, whose parent they would leave waiting."""

    def work(numbers: Iterator[int], tell: Tell) -> None:
        (tmp_path / str(next(numbers))).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGINT)
        tell(1 << 30)
        time.sleep(60)

    def hear(_: int) -> None:
        raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, 2, 2, hear)
    assert time.monotonic() - begin < 30
    for file in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)


def test_processes_end_when_their_parent_is_killed(tmp_path: Path, patiently: Patiently) -> None:
    """Regression: they went on, since each held the parent's ends of the pipes open."""
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from speciate.population.processes import side_by_side\n"
        "def work(numbers, tell):\n"
        f"    (Path({str(tmp_path)!r}) / str(next(numbers))).write_text(str(os.getpid()))\n"
        "    while True:\n"
        "        time.sleep(0.05); tell(1 << 24)\n"
        "side_by_side(work, 2, 2)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as process:
        files = [tmp_path / "0", tmp_path / "1"]
        assert patiently(lambda: all(file.exists() and file.read_text() for file in files))
        process.kill()
    pids = [int(file.read_text()) for file in files]
    assert patiently(lambda: not any(map(psutil.pid_exists, pids)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_to_stop_amid_a_fork_is_heard(tmp_path: Path, number: signal.Signals) -> None:
    """Regression: what a handler raised in a hook of Python's was lost, and the merge went on."""
    code = (
        "import os, signal, time\n"
        "from speciate.population.processes import side_by_side\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        f"signal.signal({int(number)}, stop)\n"
        "os.register_at_fork("
        f"after_in_parent=lambda: (os.kill(os.getpid(), {int(number)}), time.sleep(0.1)))\n"
        "try:\n"
        "    side_by_side(lambda numbers, tell: list(numbers), 2, 2)\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("heard\n", "")
