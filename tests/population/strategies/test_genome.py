"""GENOME and GENOME+, driven by a scripted fitness; the published code's defects by number."""

import hashlib
from collections.abc import Callable
from itertools import pairwise

import pytest

from speciate.configs import schema
from speciate.population.strategies import STRATEGIES, Strategy
from speciate.records import FOUNDER, Evaluation, Individual, Recipe, Score, State

Fitness = Callable[[str], float | None]
FOUNDERS = tuple(
    Recipe(FOUNDER, (), {"name": name, "digest": name * 64}, 0) for name in ("a", "b", "c", "d")
)
IDS = tuple(recipe.id for recipe in FOUNDERS)
BASE = IDS[0]


def hashed(name: str) -> float:
    """A fitness in [0, 1) that is as good as random, and the same everywhere."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32


def scored(recipe: Recipe, step: int, fitness: float | None) -> Individual:
    evaluation = None
    if fitness is not None:
        evaluation = Evaluation(fitness, {"t": Score("accuracy", (fitness,))}, "scripted")
    return Individual(recipe, "0" * 64, step, "test", "", evaluation, "failed" * (fitness is None))


def strategy(kind: str, seed: int = 0, **settings: object) -> Strategy:
    model = {"genome": schema.Genome, "genome_plus": schema.GenomePlus}[kind]
    config = model.model_validate({"type": kind, "population": 6, "generations": 4, **settings})
    return STRATEGIES[kind](config, seed, BASE, IDS)


def play(
    one: Strategy, fitness: Fitness = hashed, steps: int = 100
) -> tuple[list[State], dict[str, Individual]]:
    """The states after each step, and everyone."""
    known = {recipe.id: scored(recipe, 0, fitness(recipe.id)) for recipe in FOUNDERS}
    states = [one.start(list(known.values()))]
    for _ in range(steps):
        proposals = one.ask(states[-1], known)
        if proposals is None:
            break
        numbers = [proposal.number for proposal in proposals]
        assert numbers == list(range(states[-1].asked, states[-1].asked + len(numbers)))
        born = []
        for proposal in proposals:
            assert all(parent.id in known for parent in proposal.recipe.parents)
            born.append(scored(proposal.recipe, states[-1].step, fitness(proposal.recipe.id)))
            known[born[-1].id] = born[-1]
        states.append(one.tell(states[-1], born, known))
    return states, known


@pytest.fixture(params=["genome", "genome_plus"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestContract:
    def test_ends_after_the_steps_it_announces(self, kind: str) -> None:
        one = strategy(kind)
        states, _ = play(one)
        assert len(states) == one.steps
        assert [state.step for state in states] == list(range(1, one.steps + 1))

    def test_population_has_its_size_and_is_ranked(self, kind: str) -> None:
        states, known = play(strategy(kind))
        for state in states[2:]:
            fitness = [known[name].fitness for name in state.members]
            assert fitness == sorted(fitness, reverse=True)
            assert len(set(state.members)) == len(state.members) <= 6
        assert len(states[-1].members) == 6

    def test_state_survives_json_and_nothing_else_is_needed(self, kind: str) -> None:
        states, known = play(strategy(kind))
        for before, after in pairwise(states):
            again = strategy(kind)
            restored = State.from_json(before.to_json())
            proposals = again.ask(restored, known) or ()
            born = [known[proposal.recipe.id] for proposal in proposals]
            # `known` holds later individuals too: what a strategy does may not depend on them.
            assert again.tell(restored, born, known) == after

    def test_founders_take_no_part_unless_asked(self, kind: str) -> None:
        states, _ = play(strategy(kind))
        assert not set(states[1].members) & set(IDS)
        states, _ = play(strategy(kind, founding="founders"))
        assert set(states[0].members) == set(IDS)

    def test_ranges_of_parameters_are_drawn_from(self, kind: str) -> None:
        crossover = [{"operator": "ties", "parameters": {"density": [0.2, 0.4], "scale": 1.5}}]
        _, known = play(strategy(kind, crossover=crossover))
        ties = [one.recipe for one in known.values() if one.recipe.operator == "ties"]
        densities = {recipe.parameters["density"] for recipe in ties}
        assert len(densities) > 1
        assert all(0.2 <= density <= 0.4 for density in densities)
        assert all(recipe.parameters["scale"] == 1.5 for recipe in ties)
        assert all(recipe.with_role("base") == (BASE,) for recipe in ties)

    def test_a_population_that_scores_nothing_goes_on(self, kind: str) -> None:
        one = strategy(kind, crossover_rate=1.0)
        states, known = play(one, lambda _: 0.0)
        assert len(states) == one.steps
        weights = [one.recipe.parameters.get("weights") for one in known.values() if one.step > 1]
        assert [0.5, 0.5] in weights

    def test_a_step_without_offspring_does_not_end_the_campaign(self, kind: str) -> None:
        one = strategy(kind, crossover_rate=0, mutation_rate=0)
        states, _ = play(one)
        assert len(states) == one.steps


class TestDefects:
    def test_1_fitness_is_never_that_of_weights_since_moved(self) -> None:
        states, known = play(strategy("genome_plus"))
        for before, after in pairwise(states):
            if before.memory["phase"] == "move":
                assert not set(before.members) & set(after.members)
                for name in after.members:
                    assert known[name].recipe.operator == "succession"
                    assert known[name].fitness == hashed(name)

    def test_2_personal_best_is_where_the_individual_was_best(self) -> None:
        def falling(name: str) -> float:
            """Every move makes it worse, so that the best place stays the first."""
            return 0.9 if name in IDS else falling_by_birth[name]

        class Births(dict[str, float]):
            def __missing__(self, key: str) -> float:
                self[key] = 0.8 / (1 + len(self))
                return self[key]

        falling_by_birth = Births()
        one = strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4)
        states, known = play(one, falling)
        last = [known[name].recipe for name in states[-1].members]
        for recipe in last:
            (own,), (current,) = recipe.with_role("personal_best"), recipe.with_role("current")
            assert own != current
            assert known[own].recipe.operator == "linear"
            assert known[own].fitness > known[current].fitness

    def test_3_step_decays_once_a_step(self) -> None:
        states, _ = play(strategy("genome_plus"))
        lengths = [state.memory["step"] for state in states if state.memory["phase"] == "breed"]
        assert lengths[1:] == pytest.approx([0.5 * 0.95**k for k in range(1, 5)])

    def test_5_everything_random_has_the_seed(self, kind: str) -> None:
        first, _ = play(strategy(kind, seed=3))
        again, _ = play(strategy(kind, seed=3))
        other, _ = play(strategy(kind, seed=4))
        assert first == again
        assert first != other

    def test_6_failures_have_no_fitness_and_no_offspring(self, kind: str) -> None:
        def failing(name: str) -> float | None:
            return None if name not in IDS and hashed(name) < 0.4 else hashed(name)

        one = strategy(kind)
        states, known = play(one, failing)
        assert len(states) == one.steps
        failed = {name for name, individual in known.items() if individual.evaluation is None}
        assert failed
        for before, state in pairwise(states):
            assert not failed & set(state.members)
            for proposal in one.ask(before, known) or ():
                if proposal.recipe.operator != "gaussian":
                    assert not failed & {parent.id for parent in proposal.recipe.parents}

    def test_6_a_founding_that_fails_falls_back_on_founders(self, kind: str) -> None:
        states, _ = play(strategy(kind), lambda name: hashed(name) if name in IDS else None)
        assert set(states[1].members) == set(IDS)

    def test_8_the_best_is_never_let_go(self) -> None:
        states, known = play(strategy("genome_plus"))
        for state in states:
            seen = [one for one in known.values() if one.step < state.step]
            best = max(seen, key=lambda one: one.fitness)
            assert state.memory["best"] == best.id
            if state.memory["phase"] == "move":
                assert best.id in {*state.members, *state.references}


def test_succession_starts_with_a_velocity_to_another_member() -> None:
    states, known = play(strategy("genome_plus"))
    (first,) = [state for state in states if state.memory["phase"] == "move"][:1]
    for proposal in strategy("genome_plus").ask(first, known) or ():
        recipe = proposal.recipe
        assert recipe.with_role("inertia_from") == recipe.with_role("current")
        assert recipe.with_role("inertia_to") != recipe.with_role("current")
        assert recipe.with_role("inertia_to")[0] in first.members


def test_later_velocity_is_the_last_move_over_its_length() -> None:
    states, known = play(strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4))
    moves = [state for state in states if state.memory["phase"] == "move"]
    again = strategy("genome_plus", crossover_rate=0, mutation_rate=0, population=4)
    recipe = (again.ask(moves[1], known) or ())[0].recipe
    (current,) = recipe.with_role("current")
    assert recipe.with_role("inertia_to") == (current,)
    assert recipe.with_role("inertia_from") == known[current].recipe.with_role("current")
    assert recipe.parameters["inertia_step"] == known[current].recipe.parameters["step"] == 0.5


def test_children_take_after_the_fitter_parent(kind: str) -> None:
    one = strategy(kind, crossover_rate=1)
    states, known = play(one)
    state = next(state for state in states[1:] if state.memory["phase"] == "breed")
    for proposal in one.ask(state, known) or ():
        recipe = proposal.recipe
        if recipe.operator == "linear":
            fitness = [known[parent.id].fitness for parent in recipe.parents]
            shares = [value / sum(fitness) for value in fitness]
            assert recipe.parameters["weights"] == pytest.approx(shares)
