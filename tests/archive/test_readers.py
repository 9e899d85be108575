"""Processes that read while a campaign writes, all killed at random: nobody sees half a step."""

import multiprocessing
import random
import sqlite3
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.archive.index.index import FILE
from speciate.errors import ArchiveError
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]
STEPS, KILLS = 60, 30
FORK = multiprocessing.get_context("fork")
# What must be equal in a snapshot of the index.
BALANCES = (
    ("SELECT count(*) FROM individuals", "SELECT coalesce(sum(born), 0) FROM steps"),
    ("SELECT count(*) FROM living", "SELECT members FROM steps ORDER BY rowid DESC LIMIT 1"),
    (
        "SELECT count(*) FROM individuals WHERE fitness IS NULL",
        "SELECT coalesce(sum(failed), 0) FROM steps",
    ),
    (
        "SELECT hash FROM steps ORDER BY rowid DESC LIMIT 1",
        "SELECT value FROM facts WHERE value IN (SELECT hash FROM steps)",
    ),
)


def _write(folder: Path, config: dict[str, Any], steps: Script) -> None:
    """Start or go on, slowly enough to be read meanwhile."""
    with _opened(folder, config) as archive:
        done = archive.state.step + 1 if archive.state else 0
        for state, born in steps[done:]:
            archive.commit_step(state, born)
            time.sleep(0.01)


def _opened(folder: Path, config: dict[str, Any]) -> Archive:
    """A git that the killed one was just starting may hold the lock for another moment."""
    while True:
        try:
            if Archive.is_archive(folder):
                return Archive.open(folder, writable=True)
            return Archive.create(folder, config)
        except ArchiveError as error:
            if "is run by" not in str(error):
                raise
            time.sleep(0.01)


def _read(folder: Path, steps: Script, looks: Any) -> None:
    """Look through archives, one that is opened anew and one that is refreshed, for ever."""
    while not Archive.is_archive(folder):
        time.sleep(0.01)
    lasting = Archive.open(folder)
    while True:
        lasting.refresh()
        for archive in (Archive.open(folder), lasting):
            _check(archive, steps)
            looks.value += 1


def _check(archive: Archive, steps: Script) -> None:
    done = archive.state.step + 1 if archive.state else 0
    assert [step.step for step in archive.steps()] == list(range(done))
    assert len(archive.individuals) == 4 * done
    whole = [one for _, born in steps[:done] for one in born]
    assert list(archive.individuals.values()) == whole
    assert archive.state is None or archive.state == steps[done - 1][0]


def _ask(folder: Path, looks: Any) -> None:
    """Ask the file of the index itself, in snapshots, for ever."""
    while True:
        try:
            connection = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)
            connection.execute("BEGIN")
            sides = [[connection.execute(q).fetchall() for q in both] for both in BALANCES]
            connection.close()
        except sqlite3.OperationalError:  # not there yet, or being made
            time.sleep(0.01)
            continue
        assert all(one == other for one, other in sides if one and other), sides
        looks.value += 1


def _started(run: Callable[..., None], *arguments: object) -> BaseProcess:
    process = FORK.Process(target=run, args=arguments, daemon=True)
    process.start()
    return process


def test_nobody_sees_half_a_step(
    tmp_path: Path, config: dict[str, Any], make_script: Callable[[int], Script]
) -> None:
    steps, folder, moments = make_script(STEPS), tmp_path / "x", random.Random(7)
    looks = [FORK.Value("i", 0), FORK.Value("i", 0)]
    runs = [
        (_write, (folder, config, steps)),
        (_read, (folder, steps, looks[0])),
        (_ask, (folder, looks[1])),
    ]
    processes = [_started(run, *arguments) for run, arguments in runs]
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, 0.15))
        place = moments.randrange(len(runs))
        assert processes[place].exitcode in (None, 0), "it found half a step"
        processes[place].kill()
        processes[place].join()
        processes[place] = _started(runs[place][0], *runs[place][1])
    processes[0].join()
    for process in processes[1:]:
        assert process.is_alive(), "it found half a step"
        process.kill()
        process.join()
    archive = Archive.open(folder)
    _check(archive, steps)
    assert archive.fsck() == []
    assert all(counter.value > STEPS / 4 for counter in looks), "they hardly looked"
