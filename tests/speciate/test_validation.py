"""Champions by items that selection has not seen."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.configs.campaign import load
from speciate.evaluator import Engine
from speciate.session import run, splits
from speciate.validation import parted

Campaigns = Callable[..., Path]
KEPT = "[validation]\nshare = 0.25\nfinalists = 3\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, two_tasks: Campaigns) -> Path:
    return two_tasks(tmp_path_factory.mktemp("validation"), KEPT)


@pytest.fixture(scope="module")
def done(small: Path, transformers: Engine) -> Archive:
    run(small, small.parent / "out", start=lambda *_: transformers)
    return Archive.open(small.parent / "out")


def fitness(archive: Archive, name: str, split: str) -> float:
    assert archive.report is not None
    return float(archive.report["fitness"][name][split])


def on_validation(archive: Archive, name: str) -> float:
    """Recomputed: the mean over tasks of the probability of a character."""
    assert archive.report is not None
    scores = archive.report["validation"]["scores"][name].values()
    values = [2.0 ** -(sum(one["items"]) / len(one["items"])) for one in scores]
    return sum(values) / len(values)


def test_selection_sees_the_other_items_only(done: Archive) -> None:
    assert done.report is not None
    for one in done.individuals.values():
        if one.evaluation:
            assert [len(score.items) for score in one.evaluation.scores.values()] == [3, 3]
    for scores in done.report["validation"]["scores"].values():
        assert [len(score["items"]) for score in scores.values()] == [1, 1]
    digests = done.config["digests"]
    assert digests["validation"].keys() == digests["search"].keys()
    assert not set(digests["validation"].values()) & set(digests["search"].values())


def test_every_item_is_in_one_part_and_another_seed_draws_others(small: Path) -> None:
    config = load(small)
    search = splits(config, "search", small.parent)
    seen, kept = parted(config, search)
    for name, split in search.items():
        assert set(seen[name].items) | set(kept[name].items) == set(split.items)
        assert len(seen[name].items) + len(kept[name].items) == len(split.items)
        assert [place for place in split.places if place in seen[name].places] == [
            *seen[name].places
        ]
    drawn = {parted(load(small, [f"seed={n}"]), search)[1]["english"].places for n in range(9)}
    assert len(drawn) > 1


def test_the_best_finalist_is_champion(done: Archive) -> None:
    assert done.report is not None
    finalists = done.report["validation"]["finalists"]
    ranked = sorted(
        (one for one in done.individuals.values() if one.evaluation and one.proposer != "baseline"),
        key=lambda one: (-one.fitness, one.id),
    )
    assert finalists == [one.id for one in ranked[:3]]
    assert done.report["champion"] == max(finalists, key=lambda one: on_validation(done, one))
    champion = done.report["champion"]
    assert fitness(done, champion, "validation") == pytest.approx(on_validation(done, champion))
    assert fitness(done, champion, "search") == done.individuals[champion].fitness
    founders = [done.individuals[name] for name in done.report["founders"]]
    best = max(founders, key=lambda one: one.fitness)
    assert done.report["fitness"].keys() == {champion, best.id}


def test_stopped_before_the_finalists_are_scored_it_ends_the_same(
    small: Path, done: Archive, transformers: Engine
) -> None:
    class Crash(Exception):  # noqa: N818
        pass

    class Crashing:
        """Loads founders and children, but nobody for the second time, as finalists are."""

        def __init__(self) -> None:
            self.fingerprint, self.limit = transformers.fingerprint, transformers.limit
            self.starts, self.logprobs = transformers.starts, transformers.logprobs
            self.load_tensors, self.close = transformers.load_tensors, transformers.close
            self.loaded: list[Path] = []

        def load(self, model: Path) -> None:
            if model in self.loaded:
                raise Crash
            self.loaded.append(model)
            transformers.load(model)

    out = small.parent / "again"
    with pytest.raises(Crash):
        run(small, out, start=lambda *_: Crashing())
    half = Archive.open(out)
    assert half.report is None
    run(small, out, start=lambda *_: transformers)
    assert Archive.open(out).head == done.head


def test_what_people_see(done: Archive, cli: Any, tmp_path: Path) -> None:
    assert done.report is not None
    champion = done.report["champion"]
    said = cli("best", done.folder)
    assert (said.status, said.err) == (0, "")
    [line] = [one.split() for one in said.out.splitlines() if one.startswith("fitness ")]
    assert line == ["fitness", "search", "validation", "test"]
    numbers = [f"{fitness(done, champion, split):.4f}" for split in line[1:]]
    assert ["champion", *numbers] in [one.split() for one in said.out.splitlines()]
    told = json.loads(cli("best", done.folder, "--json").out)["fitness"]
    assert told["champion"] == done.report["fitness"][champion]
    cli("report", done.folder, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "on those kept for validation" in page
    cli("export", done.folder, champion, tmp_path / "model")
    assert (
        "kept for validation, which selection never saw"
        in (tmp_path / "model" / "README.md").read_text()
    )


def test_gc_keeps_the_scores_of_the_finalists(done: Archive, cli: Any) -> None:
    found = json.loads(cli("gc", done.folder, "--dry-run", "--json").out)
    assert "scores of nobody" not in json.dumps(found)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("share = 1.0", "validation.share: input should be less than 1"),
        ("share = 0.0", "validation.share: input should be greater than 0"),
        ("finalists = 0", "validation.finalists: input should be greater than or equal to 1"),
        ("finalist = 3", "validation: unknown key 'finalist'; did you mean 'finalists'?"),
    ],
)
def test_nonsense(bench: Any, more: str, said: str) -> None:
    assert said in bench.refused_run(bench.campaign(more=f"[validation]\n{more}"))


def test_a_task_with_nothing_to_keep(bench: Any) -> None:
    path = bench.campaign(task=bench.task({"text": "alone"}), more="[validation]")
    assert bench.refused_run(path) == (
        f"{bench.folder}/t.jsonl:1: task 't' has no second search item to keep for validation; "
        "add items, or leave out [validation]"
    )
