"""Documents of tasks of the harness: what they are, and what their scores depend on."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from speciate.errors import TaskError
from speciate.evaluator.tokenizer import Tokenizer

pytest.importorskip("lm_eval")
DOCS = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text()


def test_the_same_documents_are_the_same_items(folder: Path, read: Any) -> None:
    first, other, apart = (
        read(folder, task="write.yaml", search=part, num_fewshot=2)
        for part in ("test[:20]", "test[10:30]", "test[20:]")
    )
    assert len(set(first.items) & set(other.items)) == 10
    assert not set(first.items) & set(apart.items)
    assert len(apart.items) == 20


def test_scores_depend_on_the_definition_but_not_on_its_place(folder: Path, read: Any) -> None:
    def digest(at: Path, task: str = "share.yaml", **settings: Any) -> str:
        return read(at, task=task, **settings).digest

    before = digest(folder)
    elsewhere = shutil.copytree(folder, folder.parent / f"{folder.name}_again")
    assert digest(elsewhere) == before
    assert digest(folder, "own_share", include=".") == before
    assert digest(folder, name="other", weight=2) == before
    assert len({before, digest(folder, num_fewshot=1), digest(folder, seed=1)}) == 3
    own = elsewhere / "own.py"
    own.write_text(own.read_text().replace("len(expected)}", "max(1, len(expected))}"))
    assert digest(elsewhere) != before
    text = (folder / "share.yaml").read_text()
    (folder / "share.yaml").write_text(text.replace("max_gen_toks: 8", "max_gen_toks: 9"))
    assert digest(folder) != before


def test_documents_must_stay_the_same(folder: Path, base: Tokenizer, read: Any) -> None:
    split = read(folder, task="roll.yaml", higher_is_better=False, search="test")
    data = folder / "test.jsonl"
    lines = data.read_text().splitlines()
    for changed in (lines[:-1], ["".join(lines[0].split(" = ")), *lines[1:]]):
        data.write_text("\n".join(changed))
        with pytest.raises(TaskError, match="have changed meanwhile"):
            split.prepare(base, 512)


def test_the_documented_tasks_are_tasks(tmp_path: Path, read: Any, section: Any) -> None:
    text = DOCS.split("\n## lm_eval\n")[1].split("\n## ")[0]
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
    known, own = tomllib.loads(blocks["toml"])["tasks"]
    assert not section(**known).is_file
    (tmp_path / "tasks").mkdir()
    for suffix in ("yaml", "jsonl"):
        (tmp_path / "tasks" / f"house.{suffix}").write_text(blocks[suffix])
    assert len(read(tmp_path, **own).items) == 1
