"""Kinds that can score some of their items give them the values that they have among all."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.errors import ChatError, EvaluationError
from speciate.evaluator import Engine
from speciate.evaluator.tasks import KINDS, Partial, Probing
from speciate.evaluator.tokenizer import Tokenizer

ORDER = [4, 0, 3]
SAMPLED = {"temperature": 1.0, "repeats": 3, "seed": 5}
KIND_SETTINGS: dict[str, dict[str, Any]] = {
    "multiple_choice": {"normalize": "tokens"},
    "exact_match": {"max_tokens": 3, "extract": "regex", "regex": "[A-Z]", **SAMPLED},
    "judge": {"max_tokens": 3, "mode": "rubric", "rubric": "short", **SAMPLED},
}


def grade(body: Any) -> str:
    return json.dumps({"reason": "so", "grade": 1 + sum(map(ord, json.dumps(body))) % 5})


@pytest.fixture
def made(zoo: Path, base: Tokenizer, split: Any, chat_server: Any) -> Any:
    """A kind of six items of the zoo."""

    def kind(name: str) -> Any:
        settings = dict(KIND_SETTINGS[name])
        task = "choice" if name == "multiple_choice" else "complete"
        lines = (zoo / "tasks" / f"{task}.search.jsonl").read_text().splitlines()[:6]
        items = [json.loads(line) for line in lines]
        if name == "exact_match":
            items = [{"prompt": item["prompt"], "answer": "T"} for item in items]
        if name == "judge":
            chat_server.rule = grade
            items = [{"prompt": item["prompt"]} for item in items]
            endpoint = {"base_url": chat_server.url, "model": "judge-1", "retries": 0}
            settings |= {"endpoint": endpoint, "tries": 1}
        return split(items, kind=name, **settings).prepare(base, 500)

    return kind


def test_all_kinds_are_tried() -> None:
    known = {name for name, kind in KINDS.items() if issubclass(kind, Partial)}
    assert known >= KIND_SETTINGS.keys()
    assert not known & {"likelihood", "perplexity"}


@pytest.mark.parametrize("name", KIND_SETTINGS)
def test_some_items_have_the_scores_that_they_have_among_all(
    name: str, made: Any, zoo: Path, transformers: Engine
) -> None:
    transformers.load(zoo / "models" / "unicode")
    kind = made(name)
    full = kind.score(transformers)
    assert len(full.items) == 6
    assert len(set(full.items)) > 1
    assert kind.score_items(transformers, ORDER) == full.of(ORDER)


@pytest.mark.parametrize("name", KIND_SETTINGS)
def test_probes_can_be_read(name: str, made: Any, zoo: Path, transformers: Engine) -> None:
    transformers.load(zoo / "models" / "unicode")
    kind = made(name)
    assert isinstance(kind, Probing)
    assert len(transformers.logprobs(kind.probes)) == 6


def test_a_judge_is_not_given_up_for_some_items_without_verdict(
    made: Any, zoo: Path, transformers: Engine, chat_server: Any
) -> None:
    transformers.load(zoo / "models" / "base")
    kind = made("judge")
    chat_server.rule = lambda body: "no verdict"
    with pytest.raises(EvaluationError, match="no verdict on item 5"):
        kind.score_items(transformers, ORDER)
    with pytest.raises(ChatError, match="no usable judge"):
        kind.score(transformers)
