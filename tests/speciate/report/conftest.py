"""A small campaign whose every text is hostile, and its report."""

import functools
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.records import Evaluation, Individual, Origin, Parent, Recipe, Score, State
from speciate.report.report import BUDGET, report

HOSTILE = (
    "</script><script>alert(1)</script><img src=//x.test onerror=alert(2)>&amp;<b>\x1b\u202e\u2028"
)
TASKS = ("maths", f"code{HOSTILE}")
ITEMS = 8


def _scores(right: int) -> dict[str, Score]:
    """`right` items of the first task, and the others of the second."""
    items = tuple(float(item < right) for item in range(ITEMS))
    others = tuple(1.0 - item for item in items)
    return {TASKS[0]: Score("accuracy", items), TASKS[1]: Score(f"share{HOSTILE}", others)}


def _one(recipe: Recipe, step: int, right: int | None, fitness: float = 0.0) -> Individual:
    """Failed if it has nothing `right`."""
    if right is None:
        return Individual(recipe, None, step, "evolution", HOSTILE, error=HOSTILE)
    evaluation = Evaluation(fitness, _scores(right), "engine")
    arm = Origin(f"breeder@{HOSTILE}", "first", "7" * 64) if step % 2 else None
    return Individual(recipe, recipe.id * 2, step, "evolution", HOSTILE, evaluation, origin=arm)


def _founders() -> list[Individual]:
    names = (("maths", 7, 0.25), (f"<i>{HOSTILE}", 1, 0.375))
    return [
        _one(Recipe("founder", (), {"name": name, "digest": name}, 0), 0, right, fitness)
        for name, right, fitness in names
    ]


def _born(step: int, alive: list[Individual]) -> list[Individual]:
    mates = tuple(Parent(one.id, "model") for one in alive[:2])
    weights = {"weights": [0.25, 0.75]}
    return [
        _one(Recipe("linear", mates, weights, step), step, step % ITEMS, 0.4 + step / 256),
        _one(Recipe(HOSTILE, mates[::-1], {}, step), step, 5, 0.4),
        _one(Recipe("slerp", mates, {"unheard of": HOSTILE}, step), step, None),
    ]


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 2 founders and 40 steps of 3 children each, every third of which failed."""
    folder = tmp_path_factory.mktemp("grown") / "campaign"
    with Archive.create(folder, {"name": f"grown {HOSTILE}", "seed": 3, "tasks": []}) as archive:
        alive = _founders()
        archive.commit_step(State(0, 2, tuple(one.id for one in alive)), alive)
        for step in range(1, 41):
            born = _born(step, alive)
            alive = [*born[:2], alive[0]]
            members = tuple(one.id for one in alive)
            archive.commit_step(State(step, 2 + 3 * step, members), born)
    return folder


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive whose campaign has ended."""
    folder = tmp_path_factory.mktemp("ended") / "campaign"
    section = {"name": TASKS[0], "kind": "multiple_choice"}
    founders = _founders()
    parents = tuple(Parent(one.id, "model") for one in founders)
    best = _one(Recipe("linear", parents, {"weights": [0.5, 0.5]}, 1), 1, 8, 0.75)
    recipe = Recipe("linear", parents, {"weights": None, "normalize": True}, 0)
    average = replace(_one(recipe, 2, 4, 0.5), proposer="baseline", origin=None)
    test = {
        one.id: {TASKS[0]: _scores(right)[TASKS[0]].to_json()}
        for one, right in zip([*founders, average, best], (6, 2, 3, 8), strict=True)
    }
    report: dict[str, Any] = {
        "champion": best.id,
        "average": average.id,
        "founders": [one.id for one in founders],
        "test": test,
        "ensemble": {},
    }
    with Archive.create(folder, {"name": "ended", "seed": 0, "tasks": [section]}) as archive:
        archive.commit_step(State(0, 2, tuple(one.id for one in founders)), founders)
        archive.commit_step(State(1, 3, (best.id,)), [best])
        archive.commit_step(State(2, 3, (best.id,)), [average], report)
    return folder


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A report of an archive, written when it is first asked for."""
    out = tmp_path_factory.mktemp("pages")

    @functools.cache
    def write(folder: Path, budget: int = BUDGET) -> Path:
        path = out / f"{folder.parent.name}-{budget}.html"
        report(Archive.open(folder), path, lambda _: nullcontext(lambda _, __: None), budget)
        return path

    return write
