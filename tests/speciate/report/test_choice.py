"""Who is shown of many."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from speciate.archive.archive import Archive
from speciate.report.choice import ancestors, choose, fronts, main_line
from speciate.report.people import NOBODY, People, people
from speciate.report.tree import tree


@pytest.fixture(scope="module")
def everyone(grown: Path) -> Iterator[People]:
    yield people(Archive.open(grown), lambda _, __: None)


def test_columns_hold_what_the_archive_does(everyone: People, grown: Path) -> None:
    archive = Archive.open(grown)
    assert list(everyone.ids) == list(archive.individuals)
    for place, one in enumerate(archive.individuals.values()):
        assert [everyone.ids[parent] for parent in everyone.family(place)] == [
            parent.id for parent in one.recipe.parents
        ]
        if one.evaluation:
            assert everyone.fitness[place] == one.fitness
            scores = one.evaluation.scores
            values = [scores[task.name].value for task in everyone.tasks]
            assert everyone.values[:, place].tolist() == values
        else:
            assert np.isnan(everyone.fitness[place])
    assert [everyone.ids[place] for place in everyone.living] == list(archive.state.members)


def test_all_are_shown_where_there_is_room(everyone: People) -> None:
    found = choose(everyone, len(everyone.ids))
    assert list(found.shown) == list(range(len(everyone.ids)))
    assert not found.groups


@pytest.mark.parametrize("budget", [40, 60, 100])
def test_everybody_is_shown_or_counted_once(everyone: People, budget: int) -> None:
    found = choose(everyone, budget)
    counted = [place for group in found.groups for place in group.members]
    assert sorted([*found.shown, *counted]) == list(range(len(everyone.ids)))
    assert len(found.shown) + len(found.groups) <= budget
    assert {everyone.champion, *everyone.founders} <= set(found.shown)
    for group in found.groups:
        for place in group.members:
            line = [one for one in main_line(everyone, place) if one in found.shown]
            assert group.anchor == (line[0] if line else NOBODY)


def test_gaps_count_who_is_left_out_between(everyone: People) -> None:
    drawn = tree(everyone, choose(everyone, 40))
    assert any(drawn.gaps)
    for node, place in enumerate(drawn.shown):
        line = list(main_line(everyone, place))
        parent = drawn.parents[node]
        above = drawn.shown[parent] if parent != NOBODY else NOBODY
        between = line[1 : line.index(above)] if above != NOBODY else line[1:]
        assert drawn.gaps[node] == len(between)
    assert drawn.left_out == len(everyone.ids) - len(drawn.shown)


def test_the_main_parent_is_the_fittest(everyone: People) -> None:
    for place in range(2, len(everyone.ids)):
        family = everyone.family(place)
        assert everyone.fitness[everyone.main[place]] == max(everyone.fitness[family])


def test_ancestors_are_all_that_can_be_reached(everyone: People) -> None:
    found = ancestors(everyone, everyone.champion)
    assert found[0] == everyone.champion
    assert all(parent in found for place in found for parent in everyone.family(place))
    assert len(found) == len(set(found))


def test_fronts_hold_whom_nobody_betters(everyone: People) -> None:
    [(pair, front)] = fronts(everyone).items()
    points = everyone.values[list(pair)].T.tolist()
    scored = [tuple(point) for point in points if point == point and not np.isnan(point).any()]
    bettered = {
        (x, y): any(a >= x and b >= y and (a, b) != (x, y) for a, b in scored) for x, y in scored
    }
    best = {point for point, is_bettered in bettered.items() if not is_bettered}
    assert {tuple(points[place]) for place in front} == best
    assert len(front) == len(best)
