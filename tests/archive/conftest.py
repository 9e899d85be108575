"""A scripted campaign to record, and stock git to look at it with; nobody's identity is used."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from speciate.archive.archive import Archive
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State

Script: TypeAlias = list[tuple[State, list[Individual]]]
STEPS = 6
CONFIG = {"campaign": {"name": "scripted", "seed": 7}}


@pytest.fixture(scope="session", autouse=True)
def _no_git_identity() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


def _evaluation(number: int) -> Evaluation:
    items = tuple(((number * 37 + item * 11) % 100) / 100 for item in range(8))
    answers = tuple(f"answer {item}" for item in range(8))
    scores = {"sums": Score("accuracy", items, answers), "a/b: text": Score("bits/char", items)}
    return Evaluation(scores["sums"].value, scores, "engine-1")


def _individual(number: int, step: int, parents: Sequence[str]) -> Individual:
    roles = [Parent(id_, "model" if place else "base") for place, id_ in enumerate(parents)]
    digest = f"{number:064x}"
    if not parents:
        recipe = Recipe("founder", (), {"name": f"zoo-{number}", "digest": digest}, 0)
    else:
        recipe = Recipe("ties", tuple(roles), {"density": 0.5}, number)
    if number % 5 == 4:
        return Individual(recipe, None, step, "evolution", error="shapes differ")
    return Individual(recipe, digest, step, "evolution", "try ties", _evaluation(number))


def script(steps: int) -> Script:
    """Four founders, then four offspring per step, every fifth of which fails."""
    done: Script = []
    alive: list[str] = []
    for step in range(steps):
        numbers = range(4 * step, 4 * step + 4)
        born = [_individual(number, step, alive[: 2 + number % 2]) for number in numbers]
        alive = [*[one.id for one in born if one.evaluation], *alive][:6]
        memory = {"temperature": 1 / (step + 1)}
        done.append((State(step, 4 * step + 4, tuple(alive), tuple(alive[:1]), memory), born))
    return done


@pytest.fixture
def make_script() -> Callable[[int], Script]:
    return script


@pytest.fixture
def steps() -> Script:
    return script(STEPS)


@pytest.fixture
def config() -> dict[str, Any]:
    return CONFIG


@pytest.fixture(scope="session")
def _original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "campaign"
    with Archive.create(folder, CONFIG) as archive:
        for state, born in script(STEPS):
            archive.commit_step(state, born)
    subprocess.run(["git", "-C", str(folder), "gc", "--quiet"], check=True)
    return folder


@pytest.fixture
def campaign(tmp_path: Path, _original: Path) -> Path:
    """The folder of a campaign that has ended and was packed, so that it is quickly copied."""
    return shutil.copytree(_original, tmp_path / "campaign")


@pytest.fixture
def git() -> Callable[..., str]:
    def run(folder: Path, *arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return run
