"""CMA-ES in parameter space, in data-flow space, and one after the other."""

from typing import Any

import pytest
from pydantic import ValidationError

from speciate.configs import schema
from speciate.population.strategies.sampling import points
from speciate.records import Recipe, State

FAR = {"one": (0.6, 0.1, 0.1, 0.2), "two": (0.2, 0.5, 0.2, 0.1)}


def children(known: Any) -> list[Recipe]:
    return [one.recipe for one in known.values() if one.step]


class TestPoints:
    key = (7, "test")

    def test_depend_on_worths_and_key_alone(self) -> None:
        told = [[0.1, 0.4, 0.2, 0.3], [0.5, 0.1, 0.2, 0.7]]
        found = points([0.5] * 3, 0.2, told, 4, self.key)
        assert found == points([0.5] * 3, 0.2, told, 4, self.key)
        assert found != points([0.5] * 3, 0.2, told, 4, (8, "test"))
        assert found != points([0.5] * 3, 0.2, told[:1], 4, self.key)

    def test_stay_in_the_box(self) -> None:
        told: list[list[float]] = []
        for _ in range(20):
            found = points([0.9, 0.1], 0.5, told, 6, self.key)
            assert all(0 <= x <= 1 for point in found for x in point)
            told.append([point[0] - point[1] for point in found])
        assert max(max(worths) for worths in told) > 0.99

    def test_a_flat_landscape_goes_on(self) -> None:
        assert points([0.5] * 4, 0.2, [[0.3] * 6] * 10, 6, self.key)

    def test_many_numbers_are_searched_without_their_dependences(self) -> None:
        told: list[list[float]] = []
        for _ in range(15):
            found = points([0.5] * 150, 0.2, told, 10, self.key)
            told.append([-sum((x - 0.3) ** 2 for x in point) for point in found])
        assert max(told[-1]) > 1.5 * max(told[0])


def test_numbers_by_hand(toy: Any) -> None:
    parameters = {"density": [0.2, 0.4], "scale": {"attention": [0.5, 1.0], "other": 0.8}}
    option = {"operator": "ties", "parameters": parameters}
    one = toy.strategy("cma_es", crossover=[option], groups=2, weights=[-1.0, 1.0])
    assert one.numbers == 4 * 2 + 2 + 2
    state = State(memory={"told": []})
    assert one.origin(state) == [0.625] * 8 + [0.5] * 4
    recipe = one.decoded([0.0, 1.0, 0.5, 0.5, 0.25, 0.75, 1, 1, 0.0, 0.5, 1.0, 0.0], state, 3)
    assert recipe.parameters["weights"] == [[-1, 1], [0, 0], [-0.5, 0.5], [1, 1]]
    assert recipe.parameters["density"] == pytest.approx([0.2, 0.3])
    assert recipe.parameters["scale"]["attention"] == [1.0, 0.5]
    assert recipe.parameters["scale"]["other"] == 0.8
    assert recipe.with_role("base") == (toy.base,)
    assert recipe.with_role("model") == toy.ids


def test_starts_around_the_average_of_all(toy: Any) -> None:
    one = toy.strategy("cma_es", sigma=1e-5)
    _, known = toy.play(one, toy.random, steps=1)
    for recipe in children(known):
        for row in recipe.parameters["weights"]:
            assert row == pytest.approx([0.25] * 3, abs=1e-3)


def test_adapters_have_one_weight_each(toy: Any) -> None:
    _, known = toy.play(
        toy.strategy("cma_es", crossover=[{"operator": "lora_svd"}], groups=4), toy.random
    )
    for recipe in children(known):
        assert len(recipe.with_role("adapter")) == 4
        assert all(isinstance(weight, float) for weight in recipe.parameters["weights"])


def test_defect_of_mergekit_evolve_one_failure_does_not_end_the_run(toy: Any) -> None:
    """Who fails is worth the least of its generation."""

    def failing(name: str) -> float | None:
        value: float = toy.hashed(name)
        return value if name in toy.ids or value > 0.5 else None

    one = toy.strategy("cma_es", evaluations=20, size=10)
    states, _ = toy.play(one, toy.by_name(failing))
    for told in states[-1].memory["told"]:
        assert len(told) == 10
        assert min(told) > 0.5
        assert told.count(min(told)) > 1


def test_the_last_generation_is_cut_to_the_evaluations(toy: Any) -> None:
    states, known = toy.play(toy.strategy("cma_es", evaluations=17, size=6), toy.random)
    assert len(children(known)) == 17
    assert len(states) == 1 + 3


@pytest.mark.parametrize("seed", range(3))
def test_learns_weights_by_depth(toy: Any, seed: int) -> None:
    """Beyond all averages of founders: early coordinates of the first, late ones of the last."""

    def reached(groups: int) -> float:
        one = toy.strategy("cma_es", seed, evaluations=240, groups=groups)
        _, known = toy.play(one, toy.landscape(one=(1.0, 0, 0, 1.0), two=(1.0, 0, 0, 1.0)))
        return max(child.fitness for child in known.values())

    assert reached(2) > reached(1) + 0.1


def test_a_path_by_hand(toy: Any) -> None:
    one = toy.strategy("dfs", blocks=2, scales=[0.5, 1.5])
    assert one.places() == [(m, b) for b in (0, 1) for m in range(4)]
    state = State(memory={"told": [], "models": [*toy.ids]})
    wanted = [0.1, 0.9, 0.1, 0.1, 0.2, 0.1, 0.1, 0.8]
    recipe = one.decoded(wanted + [0.5] * 7 + [0.75], state, 3)
    assert recipe.with_role("model") == (toy.ids[1], toy.ids[3])
    assert recipe.parameters == {"path": [[0, 0], [1, 1]], "scales": [1.0, 1.25]}
    straight = one.decoded([0.1, 0.9, 0.1, 0.1, 0.2, 0.9, 0.1, 0.1] + [0.9] * 8, state, 3)
    assert straight.parameters == {"path": [[0, 0], [0, 1]], "scales": None}


def test_a_path_starts_as_the_best_founder(toy: Any) -> None:
    for more in ({}, {"repeats": 2}, {"scales": [1, 1]}):
        one = toy.strategy("dfs", **more)
        states, _ = toy.play(one, toy.random, steps=0)
        best = states[0].members[0]
        recipe = one.decoded(one.origin(states[0]), states[0], 0)
        assert recipe.with_role("model") == (best,)
        assert recipe.parameters["path"] == [[0, block] for block in range(4)]
        assert recipe.parameters["scales"] is None


def test_repeats_let_a_block_come_twice(toy: Any) -> None:
    one = toy.strategy("dfs", repeats=2, evaluations=200, scales=[1, 1])
    _, known = toy.play(one, toy.random)
    paths = [recipe.parameters["path"] for recipe in children(known)]
    assert any(len({tuple(step) for step in path}) < len(path) for path in paths)
    assert all(len(path) == 4 for path in paths)


@pytest.mark.parametrize("seed", range(3))
def test_paths_put_together_what_founders_are_good_at(toy: Any, seed: int) -> None:
    one = toy.strategy("dfs", seed, evaluations=150)
    target = (1.0, 1.0, 1.0, 1.0)
    _, known = toy.play(one, toy.landscape(True, one=target))
    # Block n of founder n is right: a founder is at 0.4, and the path of all at 1.
    assert max(child.fitness for child in known.values()) > 0.75


def test_paths_go_through_the_best_merge_of_the_first_search(toy: Any) -> None:
    states, known = toy.play(toy.strategy("ps_dfs"), toy.landscape(**FAR))
    phases = [state.memory["phase"] for state in states]
    assert phases == sorted(phases, reverse=True)
    (switch,) = [state for state in states if state.memory["phase"] == "dfs"][:1]
    first, *others = switch.memory["search"]["models"]
    merges = [one for one in known.values() if 0 < one.step < switch.step]
    assert first == max(merges, key=lambda one: one.fitness).id
    assert set(others) == set(toy.ids)
    for state in states[states.index(switch) :]:
        assert first in {*state.members, *state.references}
    paths = [one.recipe for one in known.values() if one.step >= switch.step]
    assert len(paths) == 16
    assert any(first in recipe.with_role("model") for recipe in paths)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"type": "cma_es", "crossover": [{"operator": "slerp"}]}, "weighs any number of models"),
        ({"type": "cma_es", "weights": [1, 0]}, "is not .low, high"),
        ({"type": "dfs", "scales": [0, 1]}, "above 0"),
        ({"type": "dfs", "crossover": [{"operator": "ties"}]}, "leave out crossover"),
    ],
)
def test_what_cannot_be_searched(section: dict[str, Any], said: str) -> None:
    model = {"cma_es": schema.CmaEs, "dfs": schema.Dfs}[section["type"]]
    with pytest.raises(ValidationError, match=said):
        model.model_validate(section)
