"""A campaign killed at any moment: whole steps are recorded, and the end is the same."""

import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speciate.archive.archive import Archive
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]
KILLS, STEPS = 20, 50


def _run(folder: Path, config: dict[str, Any], steps: Script) -> None:
    """Start or resume, as the campaign does."""
    if Archive.is_archive(folder):
        archive = Archive.open(folder, writable=True)
    else:
        archive = Archive.create(folder, config)
    with archive:
        done = archive.state.step + 1 if archive.state else 0
        for state, born in steps[done:]:
            archive.commit_step(state, born)


def test_killed_campaigns_end_with_the_same_hash(
    tmp_path: Path, config: dict[str, Any], make_script: Callable[[int], Script]
) -> None:
    steps = make_script(STEPS)
    _run(tmp_path / "whole", config, steps)
    folder = tmp_path / "killed"
    moments = random.Random(7)
    for _ in range(KILLS):
        child = multiprocessing.get_context("fork").Process(
            target=_run, args=(folder, config, steps)
        )
        child.start()
        child.join(moments.uniform(0, 0.12))
        child.kill()
        child.join()
        if Archive.is_archive(folder):
            archive = Archive.open(folder)
            assert archive.fsck() == []
            assert len(archive.individuals) == 4 * len(archive.steps())
    _run(folder, config, steps)
    assert Archive.open(folder).head == Archive.open(tmp_path / "whole").head
    assert Archive.open(folder).fsck() == []
