"""Selection: counts, no replacement, and pressure towards the fitter."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.population.randomness import stream
from speciate.population.selection import elites, ranked, roulette, tournament

pools = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(
    lambda values: [(f"{index:02}", value) for index, value in enumerate(values)]
)


@settings(max_examples=50)
@given(pools, st.integers(0, 15), st.integers(1, 4))
def test_survivors_are_distinct_members_in_the_right_number(
    pool: list[tuple[str, float]], count: int, size: int
) -> None:
    for chosen in (
        elites(pool, count),
        roulette(pool, count, stream(0, "r")),
        tournament(pool, count, size, stream(0, "t")),
    ):
        assert len(chosen) == len(set(chosen)) == min(count, len(pool))
        assert set(chosen) <= set(pool)


@given(pools)
def test_order_of_the_pool_does_not_matter(pool: list[tuple[str, float]]) -> None:
    turned = pool[::-1]
    assert ranked(pool) == ranked(turned)
    assert roulette(pool, 3, stream(1, "r")) == roulette(turned, 3, stream(1, "r"))
    assert tournament(pool, 3, 2, stream(1, "t")) == tournament(turned, 3, 2, stream(1, "t"))


def test_roulette_draws_in_proportion_to_fitness() -> None:
    pool = [("a", 0.6), ("b", 0.3), ("c", 0.1)]
    first = Counter(roulette(pool, 1, stream(seed, "r"))[0][0] for seed in range(2000))
    assert first["a"] / 2000 == pytest.approx(0.6, abs=0.05)
    assert first["c"] / 2000 == pytest.approx(0.1, abs=0.03)


def test_roulette_draws_who_breaks_constraints_last_and_in_order() -> None:
    pool = [("a", -0.2), ("b", 0.0), ("c", -0.1), ("d", 0.4)]
    for seed in range(20):
        names = [name for name, _ in roulette(pool, 4, stream(seed, "r"))]
        assert set(names[:2]) == {"b", "d"}
        assert names[2:] == ["c", "a"]


def test_a_tournament_of_all_takes_the_best() -> None:
    pool = [("a", 0.1), ("b", 0.9), ("c", 0.5)]
    assert tournament(pool, 1, 3, stream(0, "t")) == [("b", 0.9)]
    assert tournament(pool, 2, 9, stream(0, "t")) == [("b", 0.9), ("c", 0.5)]


def test_small_tournaments_let_others_win_too() -> None:
    pool = [("a", 0.1), ("b", 0.9), ("c", 0.5)]
    winners = Counter(tournament(pool, 1, 2, stream(seed, "t"))[0][0] for seed in range(900))
    # Of the three pairs, b wins two and c one.
    assert winners["b"] / 900 == pytest.approx(2 / 3, abs=0.06)
    assert winners["a"] == 0
