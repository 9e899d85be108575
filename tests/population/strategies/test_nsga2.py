"""NSGA-II: who survives, who breeds, and that the front moves."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from speciate.configs.schema import Nsga2
from speciate.population.pareto import dominates, pareto

TARGETS = {"one": (-0.2, 0.9, 0.3, 0.2), "two": (0.9, -0.2, 0.2, 0.3)}


def points(known: Any, names: Any) -> dict[str, tuple[float, ...]]:
    return {
        name: tuple(known[name].evaluation.scores[task].value for task in ("one", "two"))
        for name in names
    }


def area(front: list[tuple[float, ...]]) -> float:
    """What is dominated of the square from (0, 0) to (1, 1): the hypervolume."""
    reached, found = 0.0, 0.0
    for one, two in sorted(front, reverse=True):
        found += one * max(two - reached, 0.0)
        reached = max(reached, two)
    return found


def test_the_best_fronts_survive_and_of_the_last_the_loneliest(toy: Any) -> None:
    one = toy.strategy("nsga2")
    states, known = toy.play(one, toy.random)
    for before, after in pairwise(states):
        born = [child.id for child in known.values() if child.step == before.step]
        pool = points(known, [*before.members, *born])
        survivors = {placed.id for placed in pareto(pool)[:6]}
        assert set(after.members) == survivors
        for name in set(pool) - survivors:
            assert not any(dominates(pool[name], pool[other]) for other in survivors)


def test_members_stand_by_front_and_then_by_crowding(toy: Any) -> None:
    states, known = toy.play(toy.strategy("nsga2"), toy.random)
    order = [placed.id for placed in pareto(points(known, states[-1].members))]
    assert list(states[-1].members) == order


def test_the_best_of_each_task_lives(toy: Any) -> None:
    states, known = toy.play(toy.strategy("nsga2"), toy.random)
    seen = points(known, known)
    for task in (0, 1):
        assert max(seen, key=lambda name: seen[name][task]) in states[-1].members


def test_a_metric_may_be_better_lower(toy: Any) -> None:
    states, known = toy.play(toy.strategy("nsga2", lower=["two"]), toy.random)
    low = min(known, key=lambda name: known[name].evaluation.scores["two"].value)
    assert low in states[-1].members


def test_breeds_n_children_a_generation_the_founding_first(toy: Any) -> None:
    one = toy.strategy("nsga2", population=8)
    states, known = toy.play(one, toy.random)
    reasons = [proposal.reason for proposal in one.ask(states[0], known)]
    # Four founders make six pairs.
    assert reasons[:6] == ["founding"] * 6
    assert len(reasons) == 8
    assert "founding" not in [proposal.reason for proposal in one.ask(states[1], known)]
    assert len(known) == 4 + 8 * 4


@pytest.mark.parametrize("seed", range(5))
def test_covers_more_than_random_merges_of_the_founders(toy: Any, seed: int) -> None:
    def reached(kind: str, **chosen: object) -> float:
        one = toy.strategy(kind, seed, sigma=0.05, **chosen)
        _, known = toy.play(one, toy.landscape(**TARGETS))
        return area(list(points(known, known).values()))

    merges = reached("steady_state", founding="all", population=160, evaluations=160, lag=1)
    assert reached("nsga2", population=10, generations=16) > merges + 0.02


def test_area_by_hand() -> None:
    assert np.isclose(area([(0.5, 0.5), (1.0, 0.25), (0.4, 0.4)]), 0.25 + 0.125)


@pytest.mark.parametrize("objectives", [["one"], ["one", "one"], []])
def test_objectives_are_several_tasks(objectives: list[str]) -> None:
    with pytest.raises(ValidationError, match=r"objectives"):
        Nsga2.model_validate({"type": "nsga2", "objectives": objectives})
