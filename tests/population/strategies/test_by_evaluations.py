"""Frank-Wolfe merging, quadratic surrogates, and mixtures: their rules by hand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from speciate.configs import schema
from speciate.population.randomness import stream
from speciate.population.strategies.surrogate import _apart, _features, _simplex, fitted
from speciate.records import Recipe, State

# Within the averages of the founders.
INSIDE = (0.1, 0.5, 0.3, 0.1)


class TestFrankWolfe:
    def test_tries_a_step_to_each_founder_and_takes_the_best(self, toy: Any) -> None:
        one = toy.strategy("frank_wolfe", rounds=12)
        states, known = toy.play(one, toy.landscape(one=INSIDE, two=INSIDE))
        for number, (before, after) in enumerate(pairwise(states)):
            asked = one.ask(before, known)
            directions = [n for n, w in enumerate(before.memory["weights"]) if w < 1]
            assert len(asked) == len(directions) == (3 if number == 0 else 4)
            step = 2 / (number + 4)
            for proposal, founder in zip(asked, directions, strict=True):
                moved = (1 - step) * np.array(before.memory["weights"])
                moved[founder] += step
                assert proposal.recipe.parameters["weights"] == pytest.approx(moved[moved > 0])
            best = max((known[each.recipe.id] for each in asked), key=lambda child: child.fitness)
            if best.fitness > known[before.memory["current"]].fitness:
                assert after.memory["current"] == best.id
            else:
                assert after.memory["weights"] == before.memory["weights"]
            assert sum(after.memory["weights"]) == pytest.approx(1)

    def test_comes_close_to_the_best_average(self, toy: Any) -> None:
        one = toy.strategy("frank_wolfe", rounds=20)
        states, known = toy.play(one, toy.landscape(one=INSIDE, two=INSIDE))
        assert known[states[-1].memory["current"]].fitness > 0.99
        assert states[-1].memory["weights"] == pytest.approx(INSIDE, abs=0.06)

    def test_a_round_of_failures_moves_nothing(self, toy: Any) -> None:
        one = toy.strategy("frank_wolfe")
        states, _ = toy.play(one, toy.by_name(lambda name: 0.5 if name in toy.ids else None))
        assert states[-1].memory["weights"] == states[0].memory["weights"]


class TestSurrogate:
    def test_finds_any_quadratic_on_the_simplex(self) -> None:
        weights = _simplex(stream(0), 60, 4)
        assert np.allclose(weights.sum(axis=1), 1)
        assert weights.min() >= 0
        known, unseen = weights[:40], weights[40:]

        def function(x: Any) -> Any:
            return 3 - ((x - np.array(INSIDE)) ** 2).sum(axis=1) + 0.7 * x[:, 0]

        model = fitted(_features(known), function(known)[:, None])
        assert np.allclose((_features(unseen) @ model)[:, 0], function(unseen), atol=1e-4)

    def test_takes_points_that_lie_apart(self) -> None:
        points = np.array([[0.5, 0.5], [0.51, 0.49], [0.3, 0.7], [0.2, 0.8]])
        assert _apart(points, 2).tolist() == [[0.5, 0.5], [0.3, 0.7]]
        assert _apart(points, 4).tolist() == points[[0, 2, 3, 1]].tolist()

    @pytest.mark.parametrize("seed", range(3))
    def test_goes_where_the_model_is_high(self, toy: Any, seed: int) -> None:
        one = toy.strategy("surrogate", seed, evaluations=60, first=20, size=5)
        states, known = toy.play(one, toy.landscape(one=INSIDE, two=INSIDE))
        children = [child for child in known.values() if child.step]
        random = max(child.fitness for child in children[:20])
        assert max(child.fitness for child in children[20:]) > max(0.985, random)
        assert len(states) == one.steps == 1 + 1 + 8

    def test_several_objectives_cover_the_front(self, toy: Any) -> None:
        far = {"one": (0.8, 0.2, 0, 0), "two": (0, 0, 0.8, 0.2)}
        one = toy.strategy(
            "surrogate", objectives=["one", "two"], evaluations=80, first=30, size=10
        )
        _, known = toy.play(one, toy.landscape(**far))
        later = [child for child in known.values() if child.step > 1]
        for task in far:
            scores = [child.evaluation.scores[task].value for child in later]
            assert max(scores) > 0.95
            assert min(scores) < 0.6

    def test_failures_are_not_fitted_to(self, toy: Any) -> None:
        def failing(name: str) -> float | None:
            value: float = toy.hashed(name)
            return value if name in toy.ids or value > 0.4 else None

        states, known = toy.play(toy.strategy("surrogate"), toy.by_name(failing))
        told = states[-1].memory["told"]
        assert set(told) == {n for n, child in known.items() if child.step and child.evaluation}


class TestMixture:
    def test_shares_by_hand(self, toy: Any) -> None:
        one = toy.strategy("mixture", floor=0.3)

        def shares(*gained: float) -> list[float]:
            gains = [{"results": 4.0, "gained": each} for each in gained]
            found: list[float] = one.shares(State(memory={"gains": gains}))
            return found

        assert shares(0, 0, 0) == pytest.approx([1 / 3] * 3)
        assert shares(0.3, 0.1, 0) == pytest.approx([0.1 + 0.525, 0.1 + 0.175, 0.1])

    def test_every_part_is_told_of_all_children(self, toy: Any) -> None:
        one = toy.strategy("mixture")
        states, known = toy.play(one, toy.random)
        best = sorted(known, key=lambda name: -known[name].fitness)
        parts = states[-1].memory["parts"]
        assert parts[0]["members"] == best[:6]
        assert set(states[-1].members) == {n for part in parts for n in part["members"]}
        proposers = {child.proposer for child in known.values() if child.step}
        assert proposers == {"mixture.steady_state", "mixture.m2n2", "mixture.map_elites"}

    def test_the_part_that_gains_breeds_more(self, toy: Any) -> None:
        """Mutants gain, and merges do not."""
        parts = [
            {"type": "power_law", "crossover_rate": 1.0, "founding": "founders"},
            {"type": "power_law", "crossover_rate": 0.0, "founding": "founders"},
        ]
        born: dict[str, float] = {}

        def score(recipe: Recipe) -> dict[str, float]:
            if recipe.operator == "gaussian":
                born.setdefault(recipe.id, min(0.9, 0.2 + 0.01 * len(born)))
            value = born.get(recipe.id, 0.2)
            return {"one": value, "two": value}

        one = toy.strategy("mixture", parts=parts, evaluations=80)
        _, known = toy.play(one, score)
        later = [child.proposer for child in list(known.values())[-40:]]
        assert later.count("mixture.power_law.1") > 25

    def test_the_base_and_tasks_of_parts_are_checked(self) -> None:
        with pytest.raises(ValidationError, match="parts"):
            schema.Mixture.model_validate({"type": "mixture", "parts": [{"type": "random"}]})
        with pytest.raises(ValidationError, match="parts"):
            parts = [{"type": "random"}, {"type": "cma_es"}]
            schema.Mixture.model_validate({"type": "mixture", "parts": parts})


@pytest.mark.parametrize("seed", range(3))
def test_a_mixture_gets_better(toy: Any, seed: int) -> None:
    target = (0.2, 0.5, 0.6, 0.1)
    one = toy.strategy("mixture", seed, evaluations=150)
    _, known = toy.play(one, toy.landscape(one=target, two=target))
    assert max(child.fitness for child in known.values()) > 0.85
