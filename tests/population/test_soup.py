from collections.abc import Sequence

import pytest

from speciate.population.soup import greedy_soup


def scored(models: Sequence[float], seen: list[list[float]]) -> object:
    def score(weights: Sequence[float]) -> float:
        seen.append(list(weights))
        mean = sum(weight * model for weight, model in zip(weights, models, strict=True))
        return -((mean - 2) ** 2)

    return score


def test_greedy_soup_keeps_what_helps() -> None:
    seen: list[list[float]] = []
    assert greedy_soup(3, scored([1.9, 2.2, 9], seen)) == (0, 1)  # type: ignore[arg-type]
    third = pytest.approx([1 / 3] * 3)
    assert seen == [[1, 0, 0], [0.5, 0.5, 0], third]


def test_greedy_soup_tries_each_with_those_kept() -> None:
    seen: list[list[float]] = []
    assert greedy_soup(3, scored([1.9, 9, 2.2], seen)) == (0, 2)  # type: ignore[arg-type]
    assert seen == [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]]


@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_greedy_soup_rejects_an_equal_score_and_no_number(value: float) -> None:
    assert greedy_soup(3, lambda weights: 0.5 if weights[0] == 1 else value) == (0,)


def test_greedy_soup_of_one_and_of_none() -> None:
    assert greedy_soup(1, lambda _: -9.0) == (0,)
    assert greedy_soup(0, lambda _: 0.0) == ()
