"""Plugins: the one of the docs runs, and what is no kind is refused in one line."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.errors import TaskError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.split import load_split
from speciate.evaluator.tasks import kind_of
from speciate.evaluator.tokenizer import Tokenizer

DOCS = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
GOOD = """
from speciate.evaluator.tasks.item import Item
from speciate.records import Score
class Line(Item):
    text: str
class Given:
    metric, higher_is_better, item = "given", True, Line
    def __init__(self, task, items, tokenizer):
        self.lengths = [1 for item in items]
    def score(self, engine):
        return Score("given", (0.5, 1.0))
    @staticmethod
    def fitness(value):
        return value
"""
LINES = [{"text": "a"}, {"text": "b"}]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


@pytest.fixture
def module(tmp_path: Path, request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module that can be imported, under a name that no other test uses."""
    monkeypatch.syspath_prepend(tmp_path)
    name = re.sub(r"\W", "_", f"plugin_{request.node.name}")[:80]

    def written(source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return written


def test_the_plugin_of_the_docs_runs(
    zoo: Path, transformers: Engine, base: Tokenizer, split: Any, module: Any
) -> None:
    transformers.load(zoo / "models" / "library")
    (source,) = blocks("python")
    prompts = ["def main", "import os"]
    texts = [
        base.decode(tokens)
        for tokens in transformers.generate([base.encode(one) for one in prompts], Sampling(16))
    ]
    items = [
        {"prompt": prompts[0], "words": [texts[0][3:6], "\u2603"]},
        {"prompt": prompts[1], "words": [texts[1][2:5]]},
    ]
    settings = {"kind": "plugin", "options": {"max_tokens": 16}}
    made = split(items, entry_point=f"{module(source)}:Mentions", **settings)
    kind = made.prepare(base, transformers.limit)
    score = kind.score(transformers)
    assert (score.metric, score.items, score.answers) == ("share of words", (0.5, 1.0), None)
    assert kind.fitness(score.value) == kind_of(made.task).fitness(score.value) == 0.75
    with pytest.raises(TaskError, match=r"t\.jsonl:1: task 't' needs \d+ tokens here"):
        made.prepare(base, 20)
    with pytest.raises(TaskError, match=r"t\.jsonl:1: not a plugin item: words: field required"):
        split([{"prompt": "a"}], entry_point=made.task.entry_point, **settings)


def test_every_example_of_the_docs_is_a_task(
    tmp_path: Path, module: Any, chat_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(blocks("python")[0])
    tables = [tomllib.loads(block).get("tasks") for block in blocks("toml")]
    # Those of the harness have files of their own kind, and a test with them.
    examples = [tasks for tasks in tables if tasks and tasks[0]["kind"] != "lm_eval"]
    kinds = []
    for tasks, lines in zip(examples, blocks("json"), strict=True):
        (tmp_path / "items.jsonl").write_text(lines)
        for table in tasks:
            if table["kind"] == "plugin":
                table["entry_point"] = f"{name}:Mentions"
            if "endpoint" in table:
                table["endpoint"]["base_url"] = chat_server.url
            task = TypeAdapter[schema.Task](schema.Task).validate_python(table)
            assert load_split(task, tmp_path / "items.jsonl").items
            kinds.append(task.kind)
    assert list(dict.fromkeys(kinds)) == [
        "likelihood",
        "perplexity",
        "multiple_choice",
        "exact_match",
        "code",
        "judge",
        "plugin",
    ]


def test_an_installed_package_is_found_by_its_entry_point(
    tmp_path: Path, split: Any, module: Any
) -> None:
    info = tmp_path / "given-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: given\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[speciate.tasks]\ngiven = {module(GOOD)}:Given\n")
    assert len(split(LINES, kind="plugin", entry_point="given").items) == 2
    with pytest.raises(TaskError, match=r"plugin 'gven' cannot be imported .*: given"):
        split(LINES, kind="plugin", entry_point="gven")


def test_an_edited_plugin_is_another_task(tmp_path: Path, split: Any, module: Any) -> None:
    name = module(GOOD)
    settings = {"kind": "plugin", "entry_point": f"{name}:Given"}
    first = split(LINES, **settings).digest
    assert split(LINES, **settings).digest == first
    assert split(LINES, **settings, options={"a": 1}).digest != first
    (tmp_path / f"{name}.py").write_text(GOOD + "\n# edited")
    assert split(LINES, **settings).digest != first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class Given", "class Other", "cannot be imported .*AttributeError.*Given"),
        ("class Line", "1 / 0\nclass Line", r"cannot be imported \(ZeroDivisionError"),
        ("from speciate.records", "from nowhere", "ModuleNotFoundError.*nowhere"),
        ("class Line(Item):", "class Line(dict):", "has no 'item'; give it a subclass of"),
        ("def score", "def points", "has no method 'score'"),
        ("def fitness", "def fit", "has no method 'fitness'"),
        ('"given", True', '"given", None', "has no 'higher_is_better'"),
        ('"given", True', '"given", False', "set higher_is_better = false in the task"),
        ("text: str", "text: str\n    tags: list[str] = []", "t.jsonl:1: .*unhashable"),
    ],
)
def test_what_is_no_kind_is_refused(old: str, new: str, said: str, split: Any, module: Any) -> None:
    assert old in GOOD
    name = module(GOOD.replace(old, new))
    with pytest.raises(TaskError, match=said) as caught:
        split(LINES, kind="plugin", entry_point=f"{name}:Given")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("self.lengths", "self.length", "has no 'lengths'"),
        ("in items]", "in items[:1]]", "has 1 lengths for 2 items"),
        ("(0.5, 1.0)", "(0.5,)", "must give 2 finite values, one an item"),
        ("(0.5, 1.0)", "(0.5, float('nan'))", "must give 2 finite values"),
        ("(0.5, 1.0)", "(1.5, 1.0)", r"gave the fitness 1\.25, which must be in \[0, 1\]"),
        ("(0.5, 1.0))", "(0.5, 1.0), ('a', 'b'))", "gives answers: .* a method 'right'"),
        ('Score("given", (0.5, 1.0))', "0.5", "gave float as a score"),
    ],
)
def test_what_a_kind_does_wrong_is_told(
    old: str, new: str, said: str, split: Any, module: Any, base: Tokenizer, transformers: Engine
) -> None:
    assert old in GOOD
    made = split(LINES, kind="plugin", entry_point=f"{module(GOOD.replace(old, new))}:Given")
    with pytest.raises(TaskError, match=f"task 't': plugin .*{said}") as caught:
        made.prepare(base, 100).score(transformers)
    assert "\n" not in str(caught.value)


def test_a_plugin_with_answers_can_vote(split: Any, module: Any, base: Tokenizer) -> None:
    source = GOOD.replace("(0.5, 1.0))", "(0.0, 1.0), ('x', 'b'))") + (
        "    def right(self, index, answer):\n        return answer == 'ab'[index]\n"
    )
    made = split(LINES, kind="plugin", entry_point=f"{module(source)}:Given")
    kind = made.prepare(base, 100)
    assert kind.score(None).answers == ("x", "b")
    assert [kind.right(index, "b") for index in (0, 1)] == [False, True]
    assert json.dumps(kind.score(None).to_json())
