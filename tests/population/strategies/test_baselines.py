"""Random search, best-of-N and the greedy soup, by hand and on a landscape."""

from typing import Any

import pytest
from pydantic import ValidationError

from speciate.configs import schema
from speciate.configs.strategies.best_of import SHIPPED
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.population.strategies import STRATEGIES
from speciate.records import Recipe


def children(known: Any) -> list[Recipe]:
    return [one.recipe for one in known.values() if one.step]


def test_random_merges_are_of_founders_whatever_came_of_others(toy: Any) -> None:
    one, other = toy.strategy("random"), toy.strategy("random")
    _, known = toy.play(one, toy.random)
    _, nothing = toy.play(other, toy.by_name(lambda _: 0.5))
    assert [recipe.id for recipe in children(known)] == [r.id for r in children(nothing)]
    sizes = {len(recipe.parents) for recipe in children(known)}
    assert sizes == {2, 3, 4}
    for recipe in children(known):
        named = [parent.id for parent in recipe.parents]
        assert set(named) <= set(toy.ids)
        assert len(set(named)) == len(named)


def test_random_gives_an_operator_of_two_models_two(toy: Any) -> None:
    options = [{"operator": "slerp", "share": 3}, {"operator": "linear"}]
    _, known = toy.play(toy.strategy("random", crossover=options, evaluations=60), toy.random)
    slerps = [recipe for recipe in children(known) if recipe.operator == "slerp"]
    assert 30 < len(slerps) < 60
    assert all(len(recipe.parents) == 2 for recipe in slerps)


def test_best_of_tries_all_recipes_over_ever_fewer_founders(toy: Any) -> None:
    one = toy.strategy("best_of", evaluations=1000, lag=1000)
    pairwise = [each for each in SHIPPED if ALL_CROSSOVERS[each.operator].models == "two"]
    groups, pairs = 1 + 4, 6
    assert one.evaluations == groups * (len(SHIPPED) - len(pairwise)) + pairs * len(SHIPPED)
    _, known = toy.play(one, toy.random)
    made = children(known)
    assert len({recipe.id for recipe in made}) == one.evaluations
    sizes = [len({*recipe.with_role("model")}) for recipe in made]
    assert sizes == sorted(sizes, reverse=True)
    assert made[0].operator == "linear"
    assert made[0].parameters["weights"] == [0.25] * 4
    ties = next(recipe for recipe in made if recipe.operator == "ties")
    assert ties.parameters["density"] == 0.2
    assert all(r.parameters["t"] == 0.5 for r in made if r.operator == "slerp")


def test_best_of_leaves_out_what_needs_a_base(toy: Any) -> None:
    section = schema.BestOf(type="best_of", evaluations=1000)
    one: Any = STRATEGIES["best_of"](section, 0, None, toy.ids)
    assert {option.operator for option, _ in one._list} == {"linear", "slerp", "karcher"}


def test_the_soup_keeps_who_makes_it_better(toy: Any) -> None:
    a, b, c, d = toy.ids
    worth = {a: 0.4, b: 0.9, c: 0.6, d: 0.5}
    soups = {frozenset({b, c}): 0.8, frozenset({b, d}): 0.95, frozenset({b, d, a}): 0.95}

    def score(recipe: Recipe) -> dict[str, float]:
        found = worth.get(recipe.id)
        if found is None:
            found = soups[frozenset(recipe.with_role("model"))]
        return {"one": found, "two": found}

    states, known = toy.play(toy.strategy("greedy_soup"), score)
    # From the best founder on; the last is no better than the soup without it.
    assert states[0].memory["order"] == [b, c, d, a]
    assert [state.memory["kept"] for state in states] == [[b], [b], [b, d], [b, d]]
    assert known[states[-1].members[0]].fitness == 0.95
    assert [len(recipe.parents) for recipe in children(known)] == [2, 2, 3]


def test_a_soup_that_fails_is_not_kept(toy: Any) -> None:
    states, _ = toy.play(
        toy.strategy("greedy_soup"), toy.by_name(lambda name: 0.5 if name in toy.ids else None)
    )
    assert [len(state.memory["kept"]) for state in states] == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", ["random", "best_of", "greedy_soup"])
def test_all_do_better_than_the_best_founder(toy: Any, kind: str) -> None:
    place = (0.4, 0.1, 0.2, 0.3)
    states, known = toy.play(toy.strategy(kind, 1), toy.landscape(one=place, two=place))
    best = max(one.fitness for one in known.values() if one.step == 0)
    assert known[states[-1].members[0]].fitness > best + 0.05


def test_a_soup_has_one_operator_for_any_number() -> None:
    for names in (["slerp"], ["linear", "ties"]):
        with pytest.raises(ValidationError, match="one operator that merges any number"):
            schema.GreedySoup.model_validate(
                {"type": "greedy_soup", "crossover": [{"operator": name} for name in names]}
            )
