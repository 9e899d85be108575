"""What every strategy promises the campaign's loop; defects of GENOME's code by number."""

from itertools import pairwise
from typing import Any

import pytest

from speciate.population.strategies import STRATEGIES
from speciate.records import State

# As many live as there are niches found, or on all islands, or in all parts.
NICHES = ("map_elites", "cycle_qd", "archipelago", "mixture")
SAMPLERS = ("cma_es", "dfs", "ps_dfs", "mixture")


@pytest.fixture(params=sorted(STRATEGIES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_ends_after_the_steps_it_announces(toy: Any, kind: str) -> None:
    one = toy.strategy(kind)
    states, _ = toy.play(one)
    assert [state.step for state in states] == list(range(1, one.steps + 1))
    assert not states[-1].pending


def test_population_has_its_size_and_is_ranked(toy: Any, kind: str) -> None:
    one = toy.strategy(kind)
    states, known = toy.play(one, toy.random)
    for state in states[2:]:
        assert len(set(state.members)) == len(state.members)
        assert kind in NICHES or len(state.members) <= 6
        order = [name for name, _ in one.ranked(state.members, known)]
        assert list(state.members) == order
    assert kind in NICHES or len(states[-1].members) == 6


def test_state_survives_json_and_nothing_else_is_needed(toy: Any, kind: str) -> None:
    states, known = toy.play(toy.strategy(kind), toy.random)
    for before, after in pairwise(states):
        again = toy.strategy(kind)
        restored = State.from_json(before.to_json())
        # `known` holds later individuals too: what a strategy does may not depend on them.
        state = toy.asking(restored, again.ask(restored, known))
        due = again.due(state)
        born = [known[proposal.recipe.id] for proposal in state.pending[:due]]
        assert again.tell(state.told(due), born, known) == after


def test_defect_5_everything_random_has_the_seed(toy: Any, kind: str) -> None:
    first, _ = toy.play(toy.strategy(kind, seed=3))
    again, _ = toy.play(toy.strategy(kind, seed=3))
    other, _ = toy.play(toy.strategy(kind, seed=4))
    assert first == again
    assert first != other


def test_parents_are_known_or_were_proposed_before(toy: Any, kind: str) -> None:
    one = toy.strategy(kind)
    states, known = toy.play(one)
    for state in states:
        there = {name for name, child in known.items() if child.step < state.step}
        there |= {proposal.recipe.id for proposal in state.pending}
        for proposal in one.ask(state, known) or ():
            assert {parent.id for parent in proposal.recipe.parents} <= there
            there.add(proposal.recipe.id)


def test_ranges_of_parameters_are_drawn_from(toy: Any, kind: str) -> None:
    if kind in SAMPLERS:
        pytest.skip("its ranges are searched, or those of its parts")
    crossover = [{"operator": "ties", "parameters": {"density": [0.2, 0.4], "scale": 1.5}}]
    _, known = toy.play(toy.strategy(kind, crossover=crossover))
    ties = [one.recipe for one in known.values() if one.recipe.operator == "ties"]
    densities = {recipe.parameters["density"] for recipe in ties}
    assert len(densities) > 1
    assert all(0.2 <= density <= 0.4 for density in densities)
    assert all(recipe.parameters["scale"] == 1.5 for recipe in ties)
    assert all(recipe.with_role("base") == (toy.base,) for recipe in ties)


def test_a_population_that_scores_nothing_goes_on(toy: Any, kind: str) -> None:
    only = {"crossover_rate": 1.0} if toy.takes(kind, "crossover_rate") else {}
    one = toy.strategy(kind, **only)
    states, _ = toy.play(one, toy.by_name(lambda _: 0.0))
    assert len(states) == one.steps


def test_defect_6_failures_have_no_fitness_and_no_offspring(toy: Any, kind: str) -> None:
    def failing(name: str) -> float | None:
        value: float = toy.hashed(name)
        return None if name not in toy.ids and value < 0.4 else value

    one = toy.strategy(kind)
    states, known = toy.play(one, toy.by_name(failing))
    assert len(states) == one.steps
    failed = {name for name, individual in known.items() if individual.evaluation is None}
    assert failed
    for state in states:
        assert not failed & set(state.members)
        for proposal in one.ask(state, known) or ():
            if proposal.recipe.operator != "gaussian" or not kind.startswith("genome"):
                assert not failed & {parent.id for parent in proposal.recipe.parents}


def test_when_every_child_fails_the_founders_live(toy: Any, kind: str) -> None:
    one = toy.strategy(kind)
    states, _ = toy.play(one, toy.by_name(lambda name: 0.5 if name in toy.ids else None))
    assert len(states) == one.steps
    assert set(states[-1].members) <= set(toy.ids)


def test_who_breaks_a_constraint_stands_behind_all_others(toy: Any, kind: str) -> None:
    one = toy.strategy(kind, constraints=[toy.constraint(kind="floor", task="one", at_least=0.3)])
    states, known = toy.play(one, toy.random)
    for state in states:
        broken = [one.goals.excess(known[name], known) > 0 for name in state.members]
        assert broken == sorted(broken)
    # After a move all stand somewhere new, wherever that is; others choose among enough.
    assert kind in ("genome_plus", "greedy_soup", *NICHES) or not any(broken)


def test_where_all_break_a_constraint_those_win_who_are_closest(toy: Any, kind: str) -> None:
    one = toy.strategy(kind, constraints=[toy.constraint(kind="floor", task="one", at_least=2.0)])
    states, known = toy.play(one, toy.random)
    assert len(states) == one.steps
    for state in states:
        scores = [known[name].evaluation.scores["one"].value for name in state.members]
        assert scores == sorted(scores, reverse=True)
