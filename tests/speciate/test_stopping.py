"""Campaigns that end when nobody better comes: by what was archived, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.configs.constraints import Floor
from speciate.configs.overfitting import EarlyStopping
from speciate.evaluator import Engine
from speciate.population.goals import Goals
from speciate.records import Evaluation, Individual, Recipe, Score, State
from speciate.session import run
from speciate.stopping import Stopping

Campaigns = Callable[..., Path]
# No child gains as much.
EARLY = "[early_stopping]\npatience = {}\nmin_delta = 0.9\n"


def person(seed: int, fitness: float | None) -> Individual:
    scores = {"quiz": Score("accuracy", (fitness or 0.0,))}
    evaluation = None if fitness is None else Evaluation(fitness, scores, "e")
    return Individual(Recipe("linear", (), {}, seed), "0" * 64, 1, "test", "", evaluation)


def counted(stopping: Stopping, *fitness: float | None) -> list[int]:
    """Children since the last new best, after each; the first one is the founder."""
    born = [person(seed, one) for seed, one in enumerate(fitness)]
    known = {one.id: one for one in born}
    state = stopping.begun(State(), {born[0].id: born[0]})
    found = []
    for one in born[1:]:
        state = stopping.told(state, [one], known)
        found.append(state.stopping["children"])
    assert stopping.told(stopping.begun(State(), {born[0].id: born[0]}), born[1:], known) == state
    return found


class TestCounting:
    def test_a_tie_and_a_failure_are_no_new_best(self) -> None:
        stopping = Stopping(EarlyStopping(patience=2))
        assert counted(stopping, 0.5, 0.5, None, 0.6, 0.4, 0.7) == [1, 2, 0, 1, 0]

    def test_small_gains_add_up_to_one_that_counts(self) -> None:
        stopping = Stopping(EarlyStopping(patience=2, min_delta=0.15))
        assert counted(stopping, 0.5, 0.6, 0.64, 0.7) == [1, 2, 0]

    def test_who_breaks_a_constraint_is_no_new_best(self) -> None:
        floor = Floor(kind="floor", task="quiz", at_most=0.55)
        stopping = Stopping(EarlyStopping(patience=2), Goals({"quiz": True}, [floor]))
        assert counted(stopping, 0.5, 0.6, 0.55) == [1, 0]
        # Nearer to the bound is better, as long as nobody keeps to it.
        stopping = replace(stopping, config=EarlyStopping(patience=2, min_delta=0.9))
        assert counted(stopping, 0.9, 0.95, None, 0.8, 0.5, 0.52) == [1, 2, 0, 0, 1]

    def test_it_is_over_when_patience_is(self) -> None:
        stopping = Stopping(EarlyStopping(patience=2))
        assert [stopping.over(State(stopping={"children": n})) for n in (1, 2, 3)] == [
            False,
            True,
            True,
        ]

    def test_nothing_is_kept_without_it(self) -> None:
        state = Stopping().begun(State(), {})
        assert Stopping().told(state, [], {}) == State()
        assert not Stopping().over(State())


class StopHere(Exception):  # noqa: N818
    pass


class Stopper:
    """Ends a campaign after a step, as a crash would."""

    def __init__(self, step: int) -> None:
        self._step = step

    def candidate(self, done: int, total: int) -> None: ...

    def engine(self, *_: object) -> None: ...

    def note(self, text: str) -> None: ...

    def step(self, state: State, *_: object) -> None:
        if state.step == self._step:
            raise StopHere


def children(archive: Archive) -> int:
    return sum(one.proposer not in ("founder", "baseline") for one in archive.individuals.values())


def test_a_generation_is_told_as_one(
    tmp_path: Path, two_tasks: Campaigns, transformers: Engine
) -> None:
    strategy = 'type = "surrogate"\nevaluations = 5\nfirst = 3\nsize = 2'
    path = two_tasks(tmp_path, EARLY.format(1), strategy)
    run(path, tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    assert archive.report is not None
    assert children(archive) == archive.report["stopped"]["children"] == 3
    assert archive.individuals[archive.report["stopped"]["best"]].proposer == "founder"


def test_interrupted_while_it_counts_it_ends_the_same(
    tmp_path: Path, two_tasks: Campaigns, transformers: Engine, cli: Any
) -> None:
    path = two_tasks(tmp_path, EARLY.format(3))
    run(path, tmp_path / "whole", start=lambda *_: transformers)
    whole = Archive.open(tmp_path / "whole")
    with pytest.raises(StopHere):
        run(
            path,
            tmp_path / "parts",
            view_for=lambda *_: Stopper(3),
            start=lambda *_: transformers,
        )
    said = cli("status", tmp_path / "parts").out
    assert "2 children since the last new best; stops after 3" in said
    run(path, tmp_path / "parts", start=lambda *_: transformers)
    assert Archive.open(tmp_path / "parts").head == whole.head

    # The fourth was on its way when the third was told.
    stopped = json.loads(cli("best", tmp_path / "whole", "--json").out)["stopped"]
    assert stopped["children"] == children(whole) == 4
    assert whole.state is not None
    assert not whole.state.pending
    best = stopped["best"][:10]
    line = f"the search stopped early: 4 children in a row were no better than {best}"
    for command in ("best", "status"):
        assert line in cli(command, tmp_path / "whole").out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("patience = 0", "early_stopping.patience: input should be greater than or equal to 1"),
        (
            "patience = 5\nmin_delta = -1.0",
            "early_stopping.min_delta: input should be greater than or equal to 0",
        ),
        (
            "patience = 5\nmindelta = 0.1",
            "early_stopping: unknown key 'mindelta'; did you mean 'min_delta'?",
        ),
    ],
)
def test_nonsense(bench: Any, more: str, said: str) -> None:
    path = bench.campaign(more=f"[early_stopping]\n{more}")
    assert said in bench.refused_run(path)
