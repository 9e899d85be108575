"""The champion is found without reading everybody, and is the one that reading all would find."""

from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.champion import contenders, leader
from speciate.goals import goals_of
from speciate.lineage import champion
from speciate.records import Evaluation, Individual, Recipe, Score, State


def _archive(folder: Path, at_least: list[float]) -> Archive:
    """Nine founders at a quiz, the fifth and the sixth as fit as each other."""
    rules = [{"kind": "floor", "task": "quiz", "at_least": value} for value in at_least]
    tasks = [{"name": "quiz", "kind": "multiple_choice"}]
    born = []
    for number in range(9):
        recipe = Recipe("founder", (), {"name": f"f{number}", "digest": "0" * 64}, number)
        score = Score("accuracy", tuple(float(item >= number) for item in range(9)))
        fitness = min(number, 5) / 10
        evaluation = Evaluation(fitness, {"quiz": score}, "e") if number < 8 else None
        born.append(Individual(recipe, "0" * 64, 0, "test", "", evaluation))
    with Archive.create(folder, {"tasks": tasks, "constraints": rules}) as archive:
        archive.commit_step(State(0, 0, (born[0].id,)), born)
    return archive


@pytest.mark.parametrize("at_least", [[], [0.5], [0.9], [1.0], [2.0]])
def test_it_is_who_reading_all_would_find(tmp_path: Path, at_least: list[float]) -> None:
    archive = _archive(tmp_path / "x", at_least)
    found = leader(archive)
    assert found is not None
    assert found.id == champion(archive.individuals, goals_of(archive.config)).id


def test_contenders_keep_to_the_constraints(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "x", [0.5])
    names = [archive.individuals[one].recipe.parameters["name"] for one in contenders(archive)]
    assert names == ["f4", "f3", "f2", "f1", "f0"]


def test_if_nobody_keeps_to_them_one_contends(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "x", [2.0])
    [one] = contenders(archive)
    assert archive.individuals[one].recipe.parameters["name"] == "f0"


def test_at_first_there_is_none(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "x", {"tasks": []}) as archive:
        assert leader(archive) is None
