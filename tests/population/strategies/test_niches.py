"""MAP-Elites and CycleQD: who holds which niche, who breeds, and what is mutated along what."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from speciate.population.niches import cell, edges
from speciate.population.randomness import stream


def person(toy: Any, name: str, **scores: float) -> Any:
    recipe = next(one for one in toy.founders if one.parameters["name"] == name)
    return toy.individual(recipe, 0, scores)


def test_bins_by_hand(toy: Any) -> None:
    founders = [person(toy, "a", one=0.4, two=3.0), person(toy, "b", one=0.6, two=3.0)]
    ranges = edges(founders, ["one", "two"])
    assert ranges["one"] == pytest.approx([0.3, 0.7])
    assert ranges["two"] == [3.0, 3.0]
    where = [
        cell(person(toy, "c", one=one, two=3.0), ["one", "two"], ranges, 4)
        for one in (0.31, 0.41, 0.51, 0.61, 9.0, -9.0)
    ]
    assert where == ["0,0", "1,0", "2,0", "3,0", "3,0", "0,0"]


def test_map_elites_keeps_the_fittest_of_each_niche(toy: Any) -> None:
    one = toy.strategy("map_elites")
    states, known = toy.play(one, toy.random)
    ranges = states[0].memory["edges"]
    best: dict[str, str] = {}
    # Founders and children, in the order in which they were told of.
    for name, child in known.items():
        niche = cell(child, ["two"], ranges, 8)
        if niche not in best or child.fitness > known[best[niche]].fitness:
            best[niche] = name
    assert states[-1].memory["cells"] == best
    assert len(best) > 4
    assert set(states[-1].members) == set(best.values())


def test_all_elites_of_map_elites_breed(toy: Any) -> None:
    one = toy.strategy("map_elites")
    states, known = toy.play(one, toy.random)
    members = one.ranked(states[-1].members, known)
    found = Counter[str]()
    for number in range(300):
        pair = one.parents(states[-1], members, known, stream(0, str(number)))
        assert len(set(pair)) == 2
        found.update(pair)
    assert set(found) == set(states[-1].members)
    assert max(found.values()) < 1.6 * min(found.values())


def test_cycle_qd_enters_every_archive_where_it_is_better(toy: Any) -> None:
    one = toy.strategy("cycle_qd", bins=4)
    states, known = toy.play(one, toy.random)
    ranges = states[0].memory["edges"]
    for task, other in (("one", "two"), ("two", "one")):
        best: dict[str, str] = {}
        for name, child in known.items():
            niche = cell(child, [other], ranges, 4)
            value = child.evaluation.scores[task].value
            if niche not in best or value > known[best[niche]].evaluation.scores[task].value:
                best[niche] = name
        assert states[-1].memory["archives"][task] == best


def test_cycle_qd_lets_tasks_take_turns(toy: Any) -> None:
    one = toy.strategy("cycle_qd")
    states, known = toy.play(one, toy.random)
    asked = [proposal for state in states for proposal in one.ask(state, known) or ()]
    assert [proposal.reason.rsplit(" ", 1)[1] for proposal in asked] == ["one", "two"] * 15
    for before, after in pairwise(states):
        assert before.memory["edges"] == after.memory["edges"]


def test_cycle_qd_appeal_by_hand(toy: Any) -> None:
    founders = [
        person(toy, "a", one=0.0, two=1.0),
        person(toy, "b", one=1.0, two=0.0),
        person(toy, "c", one=0.5, two=0.5),
        person(toy, "d", one=0.0, two=0.0),
    ]
    known = {one.id: one for one in founders}
    one = toy.strategy("cycle_qd")
    found = dict(one.appeal(dict(zip("wxyz", known, strict=True)), known))
    by_hand = [0.5 * 1.3, 1.3 * 0.5, 0.9 * 0.9, 0.5 * 0.5]
    assert [found[name] for name in known] == pytest.approx(by_hand)
    lower = toy.strategy("cycle_qd", lower=["two"])
    found = dict(lower.appeal(dict(zip("wxyz", known, strict=True)), known))
    assert found[founders[1].id] == pytest.approx(1.3 * 1.3)


def test_defect_of_cycle_qd_mutates_along_the_individuals_own_task_vector(toy: Any) -> None:
    """The published code takes an expert's, which pushes every mutant towards that expert."""
    _, known = toy.play(toy.strategy("cycle_qd", mutation_rate=0.7), toy.random)
    mutants = [one.recipe for one in known.values() if one.recipe.operator == "svd_mutation"]
    assert all(recipe.with_role("base") == (toy.base,) for recipe in mutants)
    parents = {recipe.with_role("parent")[0] for recipe in mutants}
    assert parents - set(toy.ids)


def test_cycle_qd_crosses_nearly_equal_parts(toy: Any) -> None:
    _, known = toy.play(toy.strategy("cycle_qd"), toy.random)
    crossed = [one.recipe for one in known.values() if one.recipe.operator == "linear"]
    weights = [recipe.parameters["weights"] for recipe in crossed]
    assert len({tuple(pair) for pair in weights}) == len(weights) > 5
    assert all(pair[0] == pytest.approx(0.5, abs=0.02) for pair in weights)


@pytest.mark.parametrize("kind", ["map_elites", "cycle_qd"])
@pytest.mark.parametrize("seed", range(3))
def test_fills_niches_and_gets_better(toy: Any, kind: str, seed: int) -> None:
    targets = {"one": (0.4, 0.3, 0.2, 0.1), "two": (0.1, 0.1, 0.4, 0.4)}
    one = toy.strategy(kind, seed, evaluations=120, sigma=0.05)
    states, known = toy.play(one, toy.landscape(**targets))
    best = max(known[name].fitness for name in toy.ids)
    assert known[states[-1].members[0]].fitness > best + 0.1
    assert len(states[-1].members) > len(states[0].members)
