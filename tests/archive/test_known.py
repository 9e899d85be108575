"""Individuals are read when they are asked for, and few are kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from speciate.archive import known
from speciate.archive.archive import Archive
from speciate.archive.known import Joined
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]


def test_the_mapping_is_what_was_recorded(campaign: Path, steps: Script) -> None:
    born = {one.id: one for _, family in steps for one in family}
    found = Archive.open(campaign).individuals
    assert list(found) == list(born)
    assert dict(found) == dict(found.items()) == born
    assert list(found.values()) == list(born.values())
    assert len(found) == len(born)
    assert all(id_ in found for id_ in born)
    assert "0" * 40 not in found
    with pytest.raises(KeyError):
        found["0" * 40]


@pytest.mark.parametrize("held", [1, 1000])
def test_it_is_the_same_where_few_can_be_kept(
    campaign: Path, steps: Script, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "_HELD", held)
    born = {one.id: one for _, family in steps for one in family}
    found = Archive.open(campaign).individuals
    for _ in range(2):
        assert {id_: found[id_] for id_ in reversed(born)} == born
        assert list(found.items()) == list(born.items())
    assert len(found._at_hand) <= 1 + held // 256


def test_others_come_last_unless_they_are_archived(campaign: Path, steps: Script) -> None:
    archived = Archive.open(campaign).individuals
    first = steps[0][1][0]
    again = replace(first, reason="another")
    new = replace(first, recipe=replace(first.recipe, seed=99))
    joined = Joined(archived, [new, again])
    assert list(joined) == [*archived, new.id]
    assert len(joined) == len(archived) + 1
    assert joined[first.id] == again
    assert joined[new.id] == new
    assert list(joined.values()) == [again, *list(archived.values())[1:], new]
    assert dict(joined.items()) == dict(joined)
    assert new.id in joined
    assert "0" * 40 not in joined
