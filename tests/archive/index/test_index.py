"""The index tells what the history says, and follows it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.index.compare import problem, remove
from speciate.archive.index.index import FILE
from speciate.archive.repository import Repository
from speciate.errors import ArchiveError
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]


def test_rows_say_what_is_recorded(campaign: Path) -> None:
    archive = Archive.open(campaign)
    rows = archive.index.rows()
    known = archive.individuals
    assert [row.id for row in rows] == list(known)
    for row in rows:
        one = known[row.id]
        assert [(kin.id, kin.role) for kin in row.parents] == [
            (parent.id, parent.role) for parent in one.recipe.parents
        ]
        assert row.hash == archive.commit_of(row.id)
        assert row.fitness == (one.evaluation.fitness if one.evaluation else None)
        scores = one.evaluation.scores if one.evaluation else {}
        assert dict(row.values) == {task: score.value for task, score in scores.items()}
        children = [c for c in known.values() if row.id in {p.id for p in c.recipe.parents}]
        assert row.children == len(children)
    assert archive.index.steps() == archive.steps()
    assert archive.state
    assert tuple(row.id for row in archive.index.living()) == archive.state.members


def test_kin_is_followed_both_ways(campaign: Path) -> None:
    archive = Archive.open(campaign)
    last = list(archive.individuals.values())[-1]
    above = {last.id}
    for one in reversed(list(archive.individuals.values())):
        if one.id in above:
            above |= {parent.id for parent in one.recipe.parents}
    found = archive.index.ancestors(last.id)
    assert {row.id for row in found} == above
    assert [row.number for row in found] == sorted(row.number for row in found)
    first = found[0]
    assert last.id in {row.id for row in archive.index.descendants(first.id)}
    generations = {row.id: row.generation for row in archive.index.rows()}
    assert all(
        row.generation == 1 + max(generations[kin.id] for kin in row.parents)
        if row.parents
        else row.generation == 0
        for row in archive.index.rows()
    )


def test_one_is_found_by_the_beginning_of_its_id_or_commit(campaign: Path) -> None:
    index = Archive.open(campaign).index
    row = index.rows()[3]
    assert index.begun_by(row.id[:12]) == index.begun_by(row.hash[:12]) == [(row.id, row.hash)]
    assert index.begun_by("zz") == []
    assert len(index.begun_by("")) == index.count()
    with pytest.raises(ArchiveError, match="no individual 00"):
        index.row("00")


def test_it_follows_the_campaign(tmp_path: Path, steps: Script, config: dict[str, Any]) -> None:
    writer = Archive.create(tmp_path / "x", config)
    assert writer.index.rows() == []
    for number, (state, born) in enumerate(steps, 1):
        writer.commit_step(state, born)
        reader = Archive.open(tmp_path / "x")
        assert len(reader.index.rows()) == 4 * number
        assert reader.index.head == reader.head


def test_a_spoilt_or_old_file_is_made_anew(campaign: Path) -> None:
    before = Archive.open(campaign).index.rows()
    file = campaign / FILE
    for spoil in (
        lambda: file.write_bytes(b"not a database" * 1000),
        lambda: sqlite3.connect(file).execute("PRAGMA user_version = 99"),
        lambda: file.unlink(),
    ):
        spoil()
        assert Archive.open(campaign).index.rows() == before


def test_a_rewritten_history_is_read_anew(campaign: Path, git: Callable[..., str]) -> None:
    assert Archive.open(campaign).index.count() == 24
    git(campaign, "update-ref", "refs/heads/main", "main~2")
    shorter = Archive.open(campaign)
    assert shorter.index.count() == 24, "what is known stays known while it follows on main"
    tree = git(campaign, "rev-parse", "main~1^{tree}")
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    other = git(campaign, *who, "commit-tree", tree, "-p", "main~1", "-m", "other")
    git(campaign, "update-ref", "refs/heads/main", other)
    assert Archive.open(campaign).index.head == other


def test_numbers_rows_and_links_agree(campaign: Path) -> None:
    index = Archive.open(campaign).index
    rows = index.rows()
    numbers = index.numbers("fitness IS NOT NULL", order="fitness DESC, number")
    fit = [row for row in rows if row.fitness is not None]
    assert numbers == [row.number for row in sorted(fit, key=lambda r: (-r.fitness, r.number))]
    assert index.at(numbers) == [rows[number - 1] for number in numbers]
    with pytest.raises(KeyError):
        index.at([len(rows) + 1])
    ids = {row.number: row.id for row in rows}
    links = [(ids[child], ids[parent], role) for child, parent, role in index.links()]
    assert links == [(row.id, kin.id, kin.role) for row in rows for kin in row.parents]
    half = len(rows) // 2
    assert index.links(half) == [link for link in index.links() if link[0] > half]


def test_pairs_are_of_those_with_both_scores(campaign: Path) -> None:
    index = Archive.open(campaign).index
    first, second = index.tasks()
    assert index.pairs(second, first) == [
        (row.number, row.values[second], row.values[first])
        for row in index.rows()
        if row.values.keys() >= {first, second}
    ]
    assert index.pairs(first, "no such task") == []


def test_founders_and_several_are_read_together(campaign: Path) -> None:
    archive = Archive.open(campaign)
    rows = archive.index.rows()
    for row in rows:
        kin = [one for one in archive.index.ancestors(row.id) if one.name is not None]
        assert archive.index.founders_of(row.id) == kin
    ids = [row.id for row in rows[::-3]]
    assert [one.id for one in archive.individuals.several(ids)] == ids
    with pytest.raises(KeyError):
        archive.individuals.several([*ids, "0" * 40])


def test_an_index_made_anew_differs_from_none_but_the_forged(campaign: Path) -> None:
    archive = Archive.open(campaign)
    repository = Repository(campaign / ".git")
    archive.index.close()
    assert problem(campaign, repository, archive.head) is None
    for table, change in {
        "parents": "UPDATE parents SET role = 'x' WHERE child = 6",
        "scores": "DELETE FROM scores WHERE individual = 3",
        "steps": "UPDATE steps SET best = 1",
        "living": "DELETE FROM living WHERE place = 0",
    }.items():
        with sqlite3.connect(campaign / FILE) as index:
            index.execute("BEGIN")
            index.execute(change)
        assert problem(campaign, repository, archive.head) == f"differs from the history in {table}"
        remove(campaign)
        Archive.open(campaign).index.close()
