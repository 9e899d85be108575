"""GENOME and GENOME+, driven by a scripted fitness; the published code's defects by number."""

from itertools import pairwise
from typing import Any

import pytest


@pytest.fixture(params=["genome", "genome_plus"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_founders_take_no_part_unless_asked(toy: Any, kind: str) -> None:
    states, _ = toy.play(toy.strategy(kind))
    assert not set(states[1].members) & set(toy.ids)
    states, _ = toy.play(toy.strategy(kind, founding="founders"))
    assert set(states[0].members) == set(toy.ids)


def test_parents_that_score_nothing_have_equal_parts(toy: Any, kind: str) -> None:
    _, known = toy.play(toy.strategy(kind, crossover_rate=1.0), toy.by_name(lambda _: 0.0))
    weights = [one.recipe.parameters.get("weights") for one in known.values() if one.step > 1]
    assert [0.5, 0.5] in weights


def test_a_step_without_offspring_does_not_end_the_campaign(toy: Any, kind: str) -> None:
    one = toy.strategy(kind, crossover_rate=0, mutation_rate=0)
    states, _ = toy.play(one)
    assert len(states) == one.steps


class TestDefects:
    def test_1_fitness_is_never_that_of_weights_since_moved(self, toy: Any) -> None:
        states, known = toy.play(toy.strategy("genome_plus"))
        for before, after in pairwise(states):
            if before.memory["phase"] == "move":
                assert not set(before.members) & set(after.members)
                for name in after.members:
                    assert known[name].recipe.operator == "succession"
                    assert known[name].fitness == toy.hashed(name)

    def test_2_personal_best_is_where_the_individual_was_best(self, toy: Any) -> None:
        def falling(name: str) -> float:
            """Every move makes it worse, so that the best place stays the first."""
            return 0.9 if name in toy.ids else falling_by_birth[name]

        class Births(dict[str, float]):
            def __missing__(self, key: str) -> float:
                self[key] = 0.8 / (1 + len(self))
                return self[key]

        falling_by_birth = Births()
        one = toy.strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4)
        states, known = toy.play(one, toy.by_name(falling))
        last = [known[name].recipe for name in states[-1].members]
        for recipe in last:
            (own,), (current,) = recipe.with_role("personal_best"), recipe.with_role("current")
            assert own != current
            assert known[own].recipe.operator == "linear"
            assert known[own].fitness > known[current].fitness

    def test_3_step_decays_once_a_step(self, toy: Any) -> None:
        states, _ = toy.play(toy.strategy("genome_plus"))
        lengths = [state.memory["step"] for state in states if state.memory["phase"] == "breed"]
        assert lengths[1:] == pytest.approx([0.5 * 0.95**k for k in range(1, 5)])

    def test_6_a_founding_that_fails_falls_back_on_founders(self, toy: Any, kind: str) -> None:
        states, _ = toy.play(
            toy.strategy(kind),
            toy.by_name(lambda name: toy.hashed(name) if name in toy.ids else None),
        )
        assert set(states[1].members) == set(toy.ids)

    def test_8_the_best_is_never_let_go(self, toy: Any) -> None:
        states, known = toy.play(toy.strategy("genome_plus"))
        for state in states:
            seen = [one for one in known.values() if one.step < state.step]
            best = max(seen, key=lambda one: one.fitness)
            assert state.memory["best"] == best.id
            if state.memory["phase"] == "move":
                assert best.id in {*state.members, *state.references}


def test_succession_starts_with_a_velocity_to_another_member(toy: Any) -> None:
    states, known = toy.play(toy.strategy("genome_plus"))
    (first,) = [state for state in states if state.memory["phase"] == "move"][:1]
    for proposal in toy.strategy("genome_plus").ask(first, known) or ():
        recipe = proposal.recipe
        assert recipe.with_role("inertia_from") == recipe.with_role("current")
        assert recipe.with_role("inertia_to") != recipe.with_role("current")
        assert recipe.with_role("inertia_to")[0] in first.members


def test_succession_can_be_switched_off(toy: Any) -> None:
    one = toy.strategy("genome_plus", succession=False)
    states, known = toy.play(one)
    assert len(states) == one.steps
    assert all(state.memory["phase"] != "move" for state in states)
    assert all(individual.recipe.operator != "succession" for individual in known.values())


def test_later_velocity_is_the_last_move_over_its_length(toy: Any) -> None:
    states, known = toy.play(
        toy.strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4)
    )
    moves = [state for state in states if state.memory["phase"] == "move"]
    again = toy.strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4)
    recipe = (again.ask(moves[1], known) or ())[0].recipe
    (current,) = recipe.with_role("current")
    assert recipe.with_role("inertia_to") == (current,)
    assert recipe.with_role("inertia_from") == known[current].recipe.with_role("current")
    assert recipe.parameters["inertia_step"] == known[current].recipe.parameters["step"] == 0.5


def test_children_take_after_the_fitter_parent(toy: Any, kind: str) -> None:
    one = toy.strategy(kind, crossover_rate=1)
    states, known = toy.play(one)
    state = next(state for state in states[1:] if state.memory["phase"] == "breed")
    for proposal in one.ask(state, known) or ():
        recipe = proposal.recipe
        if recipe.operator == "linear":
            fitness = [known[parent.id].fitness for parent in recipe.parents]
            shares = [value / sum(fitness) for value in fitness]
            assert recipe.parameters["weights"] == pytest.approx(shares)
