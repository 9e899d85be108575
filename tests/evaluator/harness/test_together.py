"""Tasks of the harness, of several adapters that are asked together."""

from pathlib import Path
from typing import Any

import pytest

from speciate.evaluator import Engine
from speciate.evaluator.together import together
from speciate.evaluator.tokenizer import Tokenizer

pytest.importorskip("lm_eval")


@pytest.mark.parametrize("task", ["greedy", "write", "choice"])
def test_scores_are_those_of_each_alone(
    task: str,
    folder: Path,
    zoo: Path,
    adapters: Path,
    transformers: Engine,
    base: Tokenizer,
    read: Any,
) -> None:
    metric = {"write": "exact_match"}.get(task, "acc")
    filters = {"filter": "vowel"} if task == "write" else {}
    kind = read(folder, task=f"{task}.yaml", metric=metric, **filters).prepare(base, 512)
    names = ("library", "english")
    transformers.load(zoo / "models" / "base")
    transformers.load_adapters([adapters / name for name in names])
    found = together(transformers, range(2), lambda one, _: kind.score(one))
    for number, name in enumerate(names):
        transformers.load_adapters([adapters / name])
        assert found[number] == kind.score(transformers)
