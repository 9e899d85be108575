"""Exact match on a real model: what it writes is known, so what is right is too."""

import json
from pathlib import Path
from typing import Any

import pytest

from speciate.errors import TaskError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.tasks.extraction import NO_ANSWER
from speciate.evaluator.tasks.generation import answer_seed
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import derive_seed

SAMPLED: dict[str, Any] = {"kind": "exact_match", "max_tokens": 6, "temperature": 1.0}


def prompts(zoo: Path, count: int) -> list[str]:
    lines = (zoo / "tasks" / "complete.test.jsonl").read_text().splitlines()[:count]
    return [str(json.loads(line)["prompt"]) for line in lines]


def written(engine: Engine, base: Tokenizer, texts: list[str], settings: Sampling) -> list[str]:
    tokens = engine.generate([base.encode(text) for text in texts], settings)
    return [base.decode(one) for one in tokens]


def test_the_answer_found_counts(
    zoo: Path, transformers: Engine, base: Tokenizer, split: Any
) -> None:
    transformers.load(zoo / "models" / "library")
    texts = prompts(zoo, 6)
    answers = written(transformers, base, texts, Sampling(8))
    letters = [
        next((c for c in reversed(answer) if c.isascii() and c.isalpha()), None)
        for answer in answers
    ]
    items = [
        {"prompt": text, "answer": [f" {letter}?".upper() if letter else "x", "not this"]}
        for text, letter in zip(texts, letters, strict=True)
    ]
    kind = split(
        items,
        kind="exact_match",
        max_tokens=8,
        extract="regex",
        regex="[A-Za-z]",
        match="last",
        ignore_case=True,
        ignore_punctuation=True,
    ).prepare(base, transformers.limit)
    score = kind.score(transformers)
    assert score.answers == tuple(letter or NO_ANSWER for letter in letters)
    assert score.items == tuple(float(letter is not None) for letter in letters)
    assert any(score.items)


def test_numbers_are_compared_as_numbers(base: Tokenizer, split: Any) -> None:
    items = [{"prompt": "q", "answer": "so #### 1,234.0"}, {"prompt": "q", "answer": ["1", "-2"]}]
    kind = split(items, kind="exact_match", extract="number").prepare(base, 100)
    assert kind.right(0, "1234")
    assert kind.right(1, "-2")
    assert not kind.right(1, "2")
    assert not kind.right(1, NO_ANSWER)


def test_an_expected_answer_without_number_is_named_with_its_line(split: Any) -> None:
    items = [{"prompt": "q", "answer": "1"}, {"prompt": "q", "answer": ["2", "two"]}]
    with pytest.raises(TaskError, match=r"t\.jsonl:2: .*answer: there is no number in 'two'"):
        split(items, kind="exact_match", extract="number")


def test_samples_are_scored_by_their_mean(
    zoo: Path, transformers: Engine, base: Tokenizer, split: Any
) -> None:
    transformers.load(zoo / "models" / "library")
    texts = prompts(zoo, 3)
    found = [
        [
            written(transformers, base, [text], Sampling(6, 1.0, 1.0, [answer_seed(5, i, r)]))[0]
            for r in range(4)
        ]
        for i, text in enumerate(texts)
    ]
    items = [
        {"prompt": text, "answer": answers[2]} for text, answers in zip(texts, found, strict=True)
    ]
    settings = {**SAMPLED, "repeats": 4, "seed": 5, "strip": False}
    score = split(items, **settings).prepare(base, 500).score(transformers)
    assert score.items == tuple(answers.count(answers[2]) / 4 for answers in found)
    assert score.answers == tuple(max(answers, key=answers.count) for answers in found)
    assert len({answer for answers in found for answer in answers}) > 3
    assert split(items, **settings).prepare(base, 500).score(transformers) == score


def test_seeds_are_those_of_the_key() -> None:
    assert answer_seed(3, 14, 1) == derive_seed(3, "answer", "14", "1") >> 1
    assert len({answer_seed(0, item, repeat) for item in range(9) for repeat in range(9)}) == 81
