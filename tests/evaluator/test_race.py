"""Races of candidates whose answers are known: who is dropped, who never is, and what is asked."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from speciate.configs.schema import Race as Settings
from speciate.errors import RejectedError
from speciate.evaluator.race import Bar, Race
from speciate.population.randomness import stream
from speciate.records import Score

Answers = Mapping[str, Sequence[float]]
Racing = Callable[..., Race]
CHOICE = {"prompt": "x", "choices": ["a", "b"], "answer": 1}


@pytest.fixture
def racing(split: Any) -> Racing:
    """Makes a race of tasks given by their numbers of items and their weights."""

    def made(tasks: Mapping[str, tuple[int, float]], **settings: object) -> Race:
        splits = {
            name: split([CHOICE] * count, kind="multiple_choice", name=name, weight=weight)
            for name, (count, weight) in tasks.items()
        }
        return Race(Settings.model_validate(settings), splits, partial(stream, 0, "race"))

    return made


def score(values: Sequence[float]) -> Score:
    return Score("accuracy", tuple(values), tuple(f"answer {n}" for n in range(len(values))))


def run(race: Race, digest: str, ours: Answers, bar: Answers | None) -> dict[str, Score]:
    scores = {task: score(values) for task, values in (bar or {}).items()}

    def ask(task: str, items: Sequence[int]) -> Score:
        return score(ours[task]).of(items)

    return race.run(digest, Bar("f" * 40, scores) if bar else None, ask)


def is_dropped(race: Race, digest: str, ours: Answers, bar: Answers) -> bool:
    try:
        run(race, digest, ours, bar)
    except RejectedError:
        return True
    return False


def test_who_stays_has_the_score_of_all_items_in_their_order(racing: Racing) -> None:
    race = racing({"a": (7, 1.0), "b": (5, 2.0), "unweighted": (3, 0.0)}, chunk=2)
    ours = {"a": [0, 1, 1, 0, 1, 0, 1], "b": [1, 0.5, 0, 1, 1]}
    expected = {task: score(values) for task, values in ours.items()}
    assert run(race, "digest", ours, None) == expected
    assert run(race, "digest", ours, ours) == expected


def test_items_are_asked_once_in_growing_chunks_and_an_order_of_the_weights(racing: Racing) -> None:
    race = racing({"a": (20, 1.0)}, chunk=2)

    def asked(digest: str) -> list[list[int]]:
        found: list[list[int]] = []

        def ask(_: str, items: Sequence[int]) -> Score:
            found.append(list(items))
            return score([1.0] * 20).of(items)

        race.run(digest, None, ask)
        return found

    first = asked("one")
    assert [len(chunk) for chunk in first] == [2, 4, 8, 6]
    assert sorted(item for chunk in first for item in chunk) == list(range(20))
    assert asked("one") == first != asked("two")


def test_who_cannot_reach_the_bar_is_told_so(racing: Racing) -> None:
    race = racing({"a": (500, 1.0)})
    with pytest.raises(RejectedError) as told:
        run(race, "digest", {"a": [0.0] * 500}, {"a": [1.0] * 500})
    assert str(told.value) == "dropped after 32 of 500 items: it cannot reach ffffffffff"


def test_who_was_asked_everything_is_not_dropped(racing: Racing) -> None:
    """The last look saves nothing, and the score is known by then."""
    race = racing({"a": (40, 1.0)}, chunk=39, error=1e-9)
    ours, bar = [1.0] * 40, [1.0] * 40
    ours[7] = 0.0
    assert run(race, "digest", {"a": ours}, {"a": bar})["a"].items == tuple(ours)


@pytest.mark.parametrize("error", [0.05, 0.3])
@pytest.mark.parametrize("tasks", [{"a": (150, 1.0)}, {"a": (120, 1.0), "b": (30, 2.0)}], ids=str)
def test_as_good_as_the_bar_is_dropped_no_more_often_than_said(
    racing: Racing, tasks: dict[str, tuple[int, float]], error: float
) -> None:
    race, rng, races = racing(tasks, chunk=4, error=error), np.random.default_rng(0), 300
    bar = {task: np.arange(count) % 3 < 2 for task, (count, _) in tasks.items()}
    equal = {task: rng.permutation(right) for task, right in bar.items()}
    dropped = sum(is_dropped(race, str(n), _real(equal), _real(bar)) for n in range(races))
    # Three standard deviations of a binomial count.
    assert dropped <= races * error + 3 * math.sqrt(races * error * (1 - error))


def test_a_task_counts_by_its_weight(racing: Racing) -> None:
    """Lost on many items of little weight, won on few of much: the fitness is above the bar's."""
    tasks = {"many": (200, 1.0), "few": (50, 4.0)}
    race = racing(tasks, chunk=8)
    ours = {"many": [0.0] * 200, "few": [1.0] * 50}
    bar = {"many": [1.0] * 200, "few": [0.0] * 50}
    assert not any(is_dropped(race, str(n), ours, bar) for n in range(40))
    assert all(is_dropped(race, str(n), bar, ours) for n in range(40))


def _real(answers: Mapping[str, Any]) -> Answers:
    return {task: values.astype(float).tolist() for task, values in answers.items()}
