"""The family as a tree agrees with the recipes."""

from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.index import descent
from speciate.archive.index.index import Index
from speciate.archive.index.peek import is_indexed, peek
from speciate.archive.index.rows import Row


@pytest.fixture
def index(campaign: Path) -> Index:
    return Archive.open(campaign).index


def _above(row: Row, index: Index) -> int | None:
    """The parent under whom one hangs."""
    models = [kin.id for kin in row.parents if kin.role != "base"] or [k.id for k in row.parents]
    return index.row(models[0]).number if models else None


def test_everybody_hangs_under_the_first_that_is_no_base(index: Index) -> None:
    tree = descent.everybody(index)
    assert tree == {row.number: _above(row, index) for row in index.rows()}
    assert any(row.parents[0].role == "base" for row in index.rows() if row.parents)


def test_stems_lead_from_the_living_to_founders(index: Index) -> None:
    tree, whole = descent.stems(index), descent.everybody(index)
    expected = {row.number for row in index.rows("name IS NOT NULL")}
    for row in index.living():
        number: int | None = row.number
        while number is not None:
            expected.add(number)
            number = whole[number]
    assert dict(tree) == {number: whole[number] for number in sorted(expected)}
    other = next(row for row in index.rows() if row.number not in tree)
    assert other.number in descent.stems(index, [other.id])


def test_around_one(index: Index) -> None:
    whole = descent.everybody(index)
    number = next(parent for parent in whole.values() if parent and whole[parent])
    [row] = index.rows("number = ?", [number])
    tree = descent.around(index, row.id, 1)
    below = {n for n, parent in whole.items() if parent == number}
    above: int | None = number
    line = set()
    while above is not None:
        line.add(above)
        above = whole[above]
    assert set(tree) == below | line
    assert all(whole[n] == parent for n, parent in tree.items())
    assert len(descent.around(index, row.id, 9)) > len(tree)


def test_the_whole_graph(index: Index) -> None:
    found = descent.parents_by_id(index)
    assert found == {row.id: [kin.id for kin in row.parents] for row in index.rows()}


def test_rows_are_found_in_any_number(index: Index) -> None:
    rows = index.rows()
    assert descent.rows_by_id(index, [row.id for row in rows]) == {row.id: row for row in rows}
    some = descent.rows_by_number(index, [3, 1])
    assert [some[number].id for number in (3, 1)] == [rows[2].id, rows[0].id]


def test_a_peek_sees_what_is_there_and_makes_nothing(index: Index, campaign: Path) -> None:
    with peek(campaign) as found:
        assert found.tasks() == list(index.tasks())
        assert found.values("operator") == ["founder", "ties"]
        living = [row.id for row in index.living()]
        assert [told[0] for told in found.begun_by("")][-len(living) :] == living
        row = index.rows()[-1]
        [told] = found.begun_by(row.id[:8])
        assert told == (row.id, row.operator, row.step, row.fitness, row.name)
        assert [told[4] for told in found.begun_by("zoo-0")] == ["zoo-0"]
    assert not is_indexed(campaign / "none")
    assert not is_indexed(None)
