"""Differences between members of a family of real weights: scores, ancestors, weights, the page."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from speciate.archive.archive import Archive
from speciate.diff.ancestors import Common, nearest_common
from speciate.diff.scores import duels
from speciate.diff.weights import closeness
from speciate.errors import ArchiveError
from speciate.records import Evaluation, Individual, Recipe, Score

HIGHER = {"prose": False, "quiz": True}


def test_scores(family: Any, told: Any) -> None:
    found = told("diff", family.folder, family.ids["son"], family.ids["daughter"])
    prose, quiz = found["scores"]
    assert [prose["task"], quiz["task"]] == ["prose", "quiz"]
    assert (quiz["wins"], quiz["losses"], quiz["ties"], quiz["items"]) == (2, 1, 3, 6)
    assert (quiz["test"], prose["test"]) == ("McNemar", "Wilcoxon")
    assert quiz["p_value"] == pytest.approx(binomtest(1, 3).pvalue)
    assert quiz["gain"]["mean"] == pytest.approx(1 / 6)
    # Fewer bits are better: won by 1 and 0.5, lost by 0.5, one tie.
    assert (prose["wins"], prose["losses"], prose["ties"]) == (2, 1, 1)
    assert prose["gain"]["mean"] == pytest.approx(0.25)
    low, high = prose["gain"]["interval_95"]
    assert low < 0.25 < high
    [only] = told("diff", family.folder, "library", family.ids["son"], "--task", "quiz")["scores"]
    assert only["task"] == "quiz"


def test_who_failed_has_no_scores(family: Any, told: Any, cli: Any) -> None:
    failed = family.ids["written 4"]
    assert told("diff", family.folder, "library", failed)["scores"] == []
    said = cli("diff", family.folder, "library", failed)
    assert f"{failed[:10]} failed and has no scores: [red]it failed\\x1b[0m" in said.out
    for more in (["--task", "quiz"], ["--weights"]):
        said = cli("diff", family.folder, "library", failed, *more)
        assert (said.status, len(said.err.splitlines())) == (2, 1)


def test_one_item_has_no_interval() -> None:
    one, two = (
        Individual(
            Recipe("x", (), {}, seed),
            None,
            0,
            "test",
            evaluation=Evaluation(0, {"quiz": Score("accuracy", (float(seed),))}, ""),
        )
        for seed in (0, 1)
    )
    [duel] = duels(one, two, HIGHER)
    assert (duel.gain, duel.wins, duel.to_json()["gain"]) == (None, 1, None)
    with pytest.raises(ArchiveError, match="not both have search scores of task 'prose'"):
        duels(one, Individual(Recipe("x", (), {}, 2), None, 0, "test", error="e"), HIGHER, "prose")


def test_nearest_common_ancestors(family: Any) -> None:
    ids, index = family.ids, Archive.open(family.folder).index

    def nearest(one: str, two: str) -> list[Common]:
        return nearest_common(index, ids[one], ids[two])

    assert nearest("son", "daughter") == [Common(ids["english"], 1, 1)]
    # Whoever is an ancestor of the other is nearest, and hides its own ancestors.
    assert nearest("grandchild", "son") == [Common(ids["son"], 1, 0)]
    assert nearest("english", "grandchild") == [Common(ids["english"], 0, 2)]
    assert nearest("library", "headers") == []
    assert nearest("son", "son") == [Common(ids["son"], 0, 0)]
    # Several, the youngest first.
    assert [one.id for one in nearest("written 4", "son")] == [ids["english"], ids["library"]]


def vectors(folders: list[Path], module: str = "") -> np.ndarray[Any, Any]:
    from speciate.population.weights import Checkpoint

    models = [Checkpoint(folder) for folder in folders]
    names = [name for name in models[0].names if module in name]
    rows = [torch.cat([model.tensor(n).double().ravel() for n in names]) for model in models]
    return torch.stack(rows).numpy()


def test_weights_against_numpy(family: Any, zoo: Path) -> None:
    archive = Archive.open(family.folder)
    son, daughter = (archive.individual(family.ids[name]) for name in ("son", "daughter"))
    whole, *parts = closeness(archive, son, daughter)
    folders = [archive.weights.path(str(one.digest)) for one in (son, daughter)]
    for found, module in ((whole, ""), (parts[0], "embed_tokens")):
        one, two, base = vectors([*folders, zoo / "models" / "base"], module)
        assert found.elements == len(one)
        distance = np.linalg.norm(one - two) / np.linalg.norm(one)
        assert found.distance == pytest.approx(distance, rel=1e-9)
        cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        assert found.cosine == pytest.approx(cosine, rel=1e-9)
        one, two = one - base, two - base
        cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        assert found.kinship == pytest.approx(cosine, rel=1e-6)
    assert (parts[0].block, parts[0].module) == (None, "embedding")
    assert {part.module for part in parts if part.block == 3} == {"attention", "mlp", "norm"}
    assert sum(part.elements for part in parts) == whole.elements


def test_the_base_has_no_task_vector(family: Any) -> None:
    archive = Archive.open(family.folder)
    base, son = (archive.individual(family.ids[name]) for name in ("base", "son"))
    for pair in ((base, son), (son, base)):
        assert all(one.kinship is None for one in closeness(archive, *pair))
    same = closeness(archive, base, base)
    assert all(one.distance == 0 and one.cosine == 1 for one in same)


def test_weights_are_read_if_stored_or_asked_for(family: Any, told: Any) -> None:
    folder, ids = family.folder, family.ids
    assert told("diff", folder, ids["son"], "library")["weights"] is not None
    assert told("diff", folder, ids["son"], "library", "--no-weights")["weights"] is None
    # Its weights are not stored.
    assert told("diff", folder, ids["son"], ids["grandchild"])["weights"] is None
    before = sorted(path.name for path in folder.iterdir())
    rebuilt = told("diff", folder, ids["grandchild"], ids["son"], "--weights")["weights"]
    assert rebuilt[0]["kinship"] > 0.8
    assert sorted(path.name for path in folder.iterdir()) == before
    assert len(Archive.open(folder).weights.digests()) == 2
    same = told("diff", folder, "library", "library")
    assert (same["same_weights"], same["weights"], same["recipe"]) == (True, None, [])


def test_founders_that_are_gone_are_not_read(family: Any, told: Any, tmp_path: Path) -> None:
    copy = shutil.copytree(family.folder, tmp_path / "copy")
    (copy / "local.json").unlink()
    assert told("diff", copy, family.ids["son"], "library")["weights"] is None


def test_the_page(family: Any, cli: Any) -> None:
    folder, ids = family.folder, family.ids
    said = cli("diff", folder, ids["son"], ids["daughter"])
    lines = said.out.splitlines()
    assert lines[0] == f"From {ids['son'][:10]} to {ids['daughter'][:10]}"
    assert lines[1] == "nearest common ancestors (generations back): english (1 and 1)"
    assert any(
        line.split() == ["english", "model", "2", "(75.0%)", "model", "1", "(50.0%)"]
        for line in lines
    )
    [quiz] = [line for line in lines if line.startswith("quiz")]
    assert quiz.split()[:4] == ["quiz", "0.6667", "0.8333", "+0.1667"]
    assert "block 3" in said.out
    assert max(map(len, lines)) <= 80


def test_sources_of_strangers_are_shown_harmlessly(family: Any, cli: Any, told: Any) -> None:
    pair = family.folder, family.ids["written 4"], family.ids["written 5"]
    said = cli("diff", *pair)
    assert "\x1b" not in said.out
    assert '-    """Sums."""' in said.out
    assert '+    """Adds [bold]up[/bold]\\x1b[31m."""' in said.out
    found = told("diff", *pair)
    assert [line for line in found["source"] if line.startswith("-")][1:] == ['-    """Sums."""']
    assert found["before"]["error"] == "[red]it failed\x1b[0m"


def test_unknown_individuals(family: Any, cli: Any) -> None:
    said = cli("diff", family.folder, "library", "nobody")
    assert said.status == 2
    assert said.err.startswith("speciate: no individual begins with 'nobody'")
