"""Top-k greedy merging with kinship: who is merged with whom, and when it ends."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from speciate.population.kinship import Kinship, Moments
from speciate.records import Individual

FRIENDS, STRANGERS = "crossover of the best", "crossover of little kinship, "


def known_kin(vectors: Mapping[str, Sequence[float]]) -> Any:
    """Kinship of scripted task vectors; of all others, that of (1, 1, 1, 1) and a little more."""

    def kin(names: Sequence[str], _: Mapping[str, Individual]) -> Kinship:
        other = (1.0, 1.0, 1.0, 1.5)
        rows = np.array([vectors.get(name, other) for name in names])
        return Kinship(tuple(names), Moments(4, rows.sum(axis=1), rows @ rows.T))

    return kin


def pairs(asked: Any, reason: str) -> list[set[str]]:
    return [
        {parent.id for parent in one.recipe.parents}
        for one in asked
        if one.reason.startswith(reason)
    ]


def test_the_best_are_merged_with_each_other_and_with_the_least_akin(toy: Any) -> None:
    a, b, c, d = toy.ids
    vectors = {a: (1, 0, 0, 0), b: (1, 1, 0, 0), c: (0, 1, 1, 1), d: (1, 1, 1, 0)}
    one = toy.strategy(
        "kinship",
        kin=known_kin(vectors),
        founding="founders",
        population=4,
        tournament=4,
        measure="cosine",
    )
    score = dict(zip(toy.ids, (0.9, 0.8, 0.5, 0.7), strict=True))
    states, known = toy.play(one, toy.by_name(lambda name: score.get(name, 0.1)), steps=1)
    asked = one.ask(states[0], known)
    # By rank a, b, d, c; the first and the second, then the first and the third, and so on.
    assert pairs(asked, FRIENDS) == [{a, b}, {a, d}, {a, c}]
    # The fittest with the only one it has nothing in common with.
    assert pairs(asked, STRANGERS) == [{a, c}]
    assert asked[-1].reason == f"{STRANGERS}0.000"
    assert all(one.recipe.operator == "linear" for one in asked)
    # What was merged comes again only after all the others.
    assert pairs(one.ask(states[1], known), FRIENDS) == [{b, d}, {b, c}, {c, d}]


def test_a_mate_may_be_a_founder_that_no_longer_lives(toy: Any) -> None:
    *_, last = toy.ids
    kin = known_kin({last: (-1.0, -1.0, -1.0, -1.5)})
    one = toy.strategy("kinship", kin=kin, population=3, patience=9)
    states, known = toy.play(one, toy.by_name(lambda name: float(name != last) * toy.hashed(name)))
    assert last not in states[-1].members
    mates = [pairs(one.ask(state, known) or (), STRANGERS) for state in states[1:]]
    assert all(last in pair for round_ in mates for pair in round_)
    assert any(mates)


def test_it_ends_when_all_living_are_akin(toy: Any) -> None:
    settings = {"kin": known_kin({}), "founding": "founders", "patience": 9}
    akin = toy.strategy("kinship", **settings, stop_above=0.9)
    states, _ = toy.play(akin)
    assert len(states) == 1
    assert not toy.play(toy.strategy("kinship", **settings, stop_above=1))[0][-1].pending
    assert len(toy.play(toy.strategy("kinship", **settings, stop_above=1))[0]) == 5


def test_the_founding_comes_before_any_end(toy: Any) -> None:
    states, known = toy.play(toy.strategy("kinship", kin=known_kin({}), stop_above=0.9))
    assert len(states) == 2
    assert len(known) == len(toy.ids) + 6


@pytest.mark.parametrize("patience", [1, 3])
def test_it_ends_when_nobody_comes_in(toy: Any, patience: int) -> None:
    one = toy.strategy("kinship", patience=patience, generations=20)
    states, _ = toy.play(one, toy.by_name(lambda name: float(name in toy.ids)), steps=50)
    rounds = [set(before.members) == set(after.members) for before, after in pairwise(states)]
    assert rounds[-patience:] == [True] * patience
    assert all(not all(rounds[n : n + patience]) for n in range(len(rounds) - patience))
    assert len(states) < one.steps


def test_the_best_live_and_kinship_is_recorded_of_them(toy: Any) -> None:
    one = toy.strategy("kinship")
    states, known = toy.play(one, toy.random)
    for before, after in pairwise(states):
        born = [child.id for child in known.values() if child.step == before.step]
        best = [name for name, _ in one.ranked([*before.members, *born], known)][:6]
        assert list(after.members) == best
        facts = after.memory["kinship"]
        assert facts["ids"][: len(best)] == best
        assert set(toy.ids) <= set(facts["ids"])
        exact = toy.kin(facts["ids"], known).matrix()
        for row, values in enumerate(facts["below"]):
            np.testing.assert_allclose(values, exact[row, :row], atol=1e-6)


def test_who_changed_nothing_is_nobodys_mate(toy: Any) -> None:
    a, b, c, d = toy.ids
    kin = known_kin({a: (1, 2, 0, 0), b: (0, 0, 0, 0), c: (1, 1, 0, 0), d: (2, 1, 0, 0)})
    one = toy.strategy("kinship", kin=kin, founding="founders", tournament=9, explore=1.0)
    score = {a: 0.4, b: 0.3, c: 0.2, d: 0.1}
    states, known = toy.play(one, toy.by_name(score.get), steps=0)
    assert [sorted(pair) for pair in pairs(one.ask(states[0], known), STRANGERS)] == [
        sorted(pair) for pair in ({a, d}, {c, a}, {d, a})
    ]
