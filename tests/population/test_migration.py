"""Who leaves an island, and from where one takes."""

from collections import Counter
from collections.abc import Sequence

import pytest

from speciate.configs.islands import Islands
from speciate.configs.load import validated
from speciate.errors import ConfigError
from speciate.population.migration import emigrants, sources
from speciate.population.randomness import stream
from speciate.records import Evaluation, Individual, Recipe, Score

NAMES = ("a", "b", "c", "d")


def _config(name: str = "b", **more: object) -> Islands:
    return Islands.model_validate({"name": name, "among": NAMES, **more})


def _from(name: str, topology: str, step: int = 0) -> tuple[str, ...]:
    return sources(_config(name, topology=topology), stream(0, "test", str(step)))


def test_topologies() -> None:
    assert [_from(name, "ring") for name in NAMES] == [("d",), ("a",), ("b",), ("c",)]
    assert [_from(name, "star") for name in NAMES] == [("b", "c", "d"), ("a",), ("a",), ("a",)]
    assert _from("b", "all") == ("a", "c", "d")


def test_random_takes_from_each_other_island_as_often() -> None:
    found = Counter(_from("b", "random", step)[0] for step in range(3000))
    assert set(found) == {"a", "c", "d"}
    assert all(900 < count < 1100 for count in found.values())


def _members(scores: Sequence[Sequence[float]]) -> list[Individual]:
    found = []
    for number, items in enumerate(scores):
        evaluation = Evaluation(1.0, {"t": Score("accuracy", tuple(items))}, "engine")
        recipe = Recipe("linear", (), {}, number)
        found.append(Individual(recipe, f"{number:064x}", 1, "x", evaluation=evaluation))
    return found


MEMBERS = _members([(1, 1, 1, 1), (1, 1, 1, 0), (0, 0, 0, 1), (0, 0, 1, 1)])


def _sent(**more: object) -> list[int]:
    ids = [one.id for one in MEMBERS]
    found = emigrants(_config(**more), MEMBERS, stream(0, "test"))
    return [ids.index(id_) for id_ in found]


def test_the_best_leave() -> None:
    assert _sent(emigrants=2) == [0, 1]
    assert _sent(emigrants=9) == [0, 1, 2, 3]


def test_diverse_ones_are_the_best_and_who_is_least_like_those_chosen() -> None:
    assert _sent(emigrants=3, choose="diverse") == [0, 2, 1]
    assert sorted(_sent(emigrants=9, choose="diverse")) == [0, 1, 2, 3]


def test_random_ones_are_distinct() -> None:
    assert len(set(_sent(emigrants=3, choose="random"))) == 3


@pytest.mark.parametrize("choose", ["best", "random", "diverse"])
def test_nobody_leaves_where_nobody_lives(choose: str) -> None:
    assert emigrants(_config(choose=choose), [], stream(0, "test")) == ()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"name": "x"}, "'among' lists all islands, and so 'x' itself"),
        ({"among": ["b", "b"]}, "lists an island twice"),
        ({"among": ["b"]}, "among: tuple should have at least 2 items"),
        ({"topology": "rings"}, "did you mean 'ring'"),
        ({"name": "../b"}, "name: string should match"),
    ],
)
def test_sections_that_make_no_sense(more: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError) as error:
        validated(Islands, {"name": "b", "among": NAMES, **more}, "x.toml")
    assert complaint in str(error.value)
