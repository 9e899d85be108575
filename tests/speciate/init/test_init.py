"""`speciate init`: a proposal that runs, from founders and tasks as people have them."""

import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.campaign import load
from speciate.session import run

ZOO = Path(__file__).parents[3] / "configs" / "zoo"
BASE, LIBRARY, ENGLISH = (ZOO / "models" / name for name in ("base", "library", "english"))
OPTIONS = ("--base", BASE, "--model", LIBRARY, "--model", ENGLISH)
Cli = Callable[..., Any]


def _items(path: Path, *items: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(item)}\n" for item in items))
    return path


def test_the_proposal_runs(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [{"text": f"It was a dark and stormy night, number {number}."} for number in range(9)]
    _items(tmp_path / "night.jsonl", *texts, texts[0])
    for part, answer in (("search", 0), ("test", 1)):
        item = {"prompt": "the", "choices": [" sea", " sky"], "answer": answer}
        _items(tmp_path / f"choice.{part}.jsonl", item)
    tasks = ("--task", "night.jsonl", "--task", "choice.test.jsonl")
    said = cli("init", "mine", *OPTIONS, *tasks, "--evaluations", 3, "--json")
    assert said.status == 0, said.err
    value = json.loads(said.out)
    assert value["file"] == "mine/campaign.toml"
    assert value["cost"]["evaluations"] == 6
    assert value["cost"]["seconds"] > 0
    config = load(tmp_path / "mine/campaign.toml")
    assert [(task.name, task.kind) for task in config.tasks] == [
        ("night", "likelihood"),
        ("choice", "multiple_choice"),
    ]
    parts = [
        (tmp_path / f"mine/tasks/night.{part}.jsonl").read_text().splitlines()
        for part in ("search", "test")
    ]
    assert sorted(map(len, parts)) == [4, 5], "equal items are one, and no item is in both parts"
    assert {json.loads(line)["text"] for part in parts for line in part} == {
        item["text"] for item in texts
    }
    small = ["engine.type=transformers", "cluster.workers=0", "strategy.evaluations=1"]
    run(tmp_path / "mine/campaign.toml", tmp_path / "out", small)


@pytest.mark.parametrize(
    ("item", "section"),
    [
        ({"text": "a"}, {"kind": "likelihood"}),
        ({"prompt": "a", "text": "b"}, {"kind": "likelihood"}),
        ({"prompt": "a", "choices": ["b", "c"], "answer": 0}, {"kind": "multiple_choice"}),
        ({"prompt": "a", "answer": "no"}, {"kind": "exact_match", "max_tokens": 256}),
        (
            {"prompt": "a", "answer": "1,234.5"},
            {"kind": "exact_match", "extract": "number", "max_tokens": 256},
        ),
        ({"prompt": "a", "answer": "room 101"}, {"kind": "exact_match", "max_tokens": 256}),
        ({"prompt": "a", "tests": "assert f()"}, {"kind": "code", "max_tokens": 512}),
    ],
)
def test_kinds_are_told_from_items(
    tmp_path: Path, item: dict[str, Any], section: dict[str, Any]
) -> None:
    from speciate.init.tasks import task_files

    path = _items(tmp_path / "t.jsonl", item, item | {"prompt": "other"})
    assert task_files(path).section == section


def test_no_common_ancestor(tmp_path: Path, cli: Cli) -> None:
    task = ZOO / "tasks" / "english.search.jsonl"
    models = ("--model", LIBRARY, "--model", ENGLISH)
    said = cli("init", tmp_path / "mine", *models, "--task", task, "--strategy", "genome_plus")
    assert said.status == 0, said.err
    config = load(tmp_path / "mine/campaign.toml")
    assert config.founders.base is None
    assert [one.operator for one in config.strategy.crossover] == ["linear"]
    assert config.strategy.type == "genome_plus"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--model", LIBRARY), "--task is missing, and there is no terminal to ask; give it"),
        (("--model", LIBRARY, "--task", "no.jsonl"), "No such file or directory"),
        (("--model", LIBRARY, "--task", "odd.jsonl"), "no kind of task has items of question"),
        (("--model", LIBRARY, "--task", "one.jsonl"), "one item cannot be parted"),
        (("--model", LIBRARY, "--task", "half.test.jsonl"), "half.search.jsonl: no such file"),
        (("--model", LIBRARY, "--task", "good.jsonl"), "founders.models: "),
        (
            ("--model", LIBRARY, "--model", "nowhere", "--task", "good.jsonl"),
            "nowhere: no such folder",
        ),
    ],
)
def test_mistakes_leave_nothing(
    tmp_path: Path,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    _items(tmp_path / "odd.jsonl", {"question": "?"})
    _items(tmp_path / "one.jsonl", {"text": "a"})
    _items(tmp_path / "half.test.jsonl", {"text": "a"})
    _items(tmp_path / "good.jsonl", {"text": "a"}, {"text": "b"})
    before = set(tmp_path.iterdir())
    said = cli("init", "mine", *arguments)
    assert said.status == 2
    assert len(said.err.splitlines()) == 1
    assert line in said.err
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_is_in_use(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    task = ZOO / "tasks" / "english.search.jsonl"
    said = cli("init", tmp_path / "mine", *OPTIONS, "--task", task)
    assert (said.status, "is not empty" in said.err) == (2, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]


def test_what_is_not_given_is_asked_for(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = _items(tmp_path / "few.jsonl", {"text": "a"}, {"text": "b"})
    answers = [BASE, LIBRARY, ENGLISH, "", task, ""]
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    monkeypatch.chdir(tmp_path)
    with os.fdopen(ours, "wb"), os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        said = cli("init", "mine")
    assert said.status == 0, said.err
    assert "A founder's folder" in said.out
    assert "3 founders that fit one another, tasks few (likelihood)" in said.out
    assert (tmp_path / "mine" / "campaign.toml").is_file()
