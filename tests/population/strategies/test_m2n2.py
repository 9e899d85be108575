"""M2N2: niches and mates by hand, ablations, and the published code's division by zero."""

from collections import Counter
from typing import Any

import pytest

from speciate.population.randomness import stream
from speciate.records import Recipe

# Two founders that solve different items, one that adds nothing, and one that solves nothing.
SOLVED = [(1.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)]


def solving(toy: Any, solved: Any) -> Any:
    """Founders as told; children solve nothing."""

    def score(recipe: Recipe) -> dict[str, Any]:
        place = toy.ids.index(recipe.id) if recipe.id in toy.ids else -1
        return {"one": solved[place]}

    return score


def pairs(toy: Any, one: Any, score: Any, draws: int = 400) -> Counter[tuple[str, str]]:
    """How often founders are drawn as a pair, by their letters."""
    states, known = toy.play(one, score, steps=0)
    members = one.ranked(states[0].members, known)
    letter = dict(zip(toy.ids, "abcd", strict=True))
    found: Counter[tuple[str, str]] = Counter()
    for number in range(draws):
        chosen = one.parents(states[0], members, known, stream(0, "test", str(number)))
        found[letter[chosen[0]], letter[chosen[1]]] += 1
    return found


def test_shares_by_hand(toy: Any) -> None:
    one = toy.strategy("m2n2")
    _, known = toy.play(one, solving(toy, SOLVED), steps=0)
    shares = 3 * one._shares(toy.ids, known)
    assert shares.tolist() == [[0.5, 1, 0], [0, 0, 1], [0.5, 0, 0], [0, 0, 0]]
    none = toy.strategy("m2n2", alpha=0.0)
    assert (3 * none._shares(toy.ids, known)).tolist() == [list(row) for row in SOLVED]


def test_a_mate_is_good_at_what_the_first_is_not(toy: Any) -> None:
    found = pairs(toy, toy.strategy("m2n2"), solving(toy, SOLVED))
    # a has all that c has, so that only b adds something; b gets 1.5 from a and 0.5 from c.
    assert found["a", "c"] == 0
    assert found["b", "a"] / (found["b", "a"] + found["b", "c"]) == pytest.approx(0.75, abs=0.1)
    firsts = Counter({name: sum(n for (x, _), n in found.items() if x == name) for name in "abcd"})
    assert firsts["a"] / 400 == pytest.approx(1.5 / 3, abs=0.08)
    assert firsts["d"] == 0


def test_without_attraction_a_mate_is_fit(toy: Any) -> None:
    found = pairs(toy, toy.strategy("m2n2", attraction=False), solving(toy, SOLVED))
    assert found["a", "c"] > 20
    assert not any(x == y for x, y in found)


@pytest.mark.parametrize("row", [(0.0, 0.0), (0.5, 0.5)])
def test_defect_of_m2n2_where_nobody_attracts_fitness_decides(
    toy: Any, row: tuple[float, ...]
) -> None:
    """The published code divides by the sum of attractions, which is 0 here."""
    found = pairs(toy, toy.strategy("m2n2"), solving(toy, [row] * 4))
    assert len(found) == 12
    assert not any(x == y for x, y in found)


def test_who_has_least_of_the_items_leaves_though_fitter(toy: Any) -> None:
    """c and its child have twice the fitness of b, who alone solves the last item."""
    rows = [(1, 1, 1, 1, 0), (0, 0, 0, 0, 1), (1, 1, 0, 0, 0), (1, 1, 0, 0, 0)]
    rows = [tuple(map(float, row)) for row in rows]
    one = toy.strategy("m2n2", population=4, evaluations=1)
    states, _ = toy.play(one, solving(toy, [*rows, (1.0, 1.0, 0.0, 0.0, 0.0)]))
    assert toy.ids[1] in states[-1].members
    assert len(states[-1].members) == 4
    by_fitness = toy.strategy("m2n2", population=3, evaluations=1, alpha=0.0)
    states, _ = toy.play(by_fitness, solving(toy, rows))
    assert toy.ids[1] not in states[-1].members


def test_children_are_split_anywhere(toy: Any) -> None:
    _, known = toy.play(toy.strategy("m2n2"), toy.random)
    made = [one.recipe for one in known.values() if one.step]
    assert {recipe.operator for recipe in made} == {"split_point"}
    for key in ("split", "t"):
        drawn = [recipe.parameters[key] for recipe in made]
        assert min(drawn) < 0.2
        assert max(drawn) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_puts_together_what_founders_are_good_at(toy: Any, seed: int) -> None:
    def reached(**chosen: object) -> float:
        one = toy.strategy("m2n2", seed, population=8, evaluations=200, **chosen)
        _, known = toy.play(one, toy.landscape(True, one=(1, 1, 1, 1)))
        return max(child.fitness for child in known.values())

    # A founder has one of four coordinates right; averages have none.
    assert reached() > 0.6
    assert reached() > reached(crossover=[{"operator": "linear"}]) + 0.1
