"""Kinds that weigh texts, on a real model, against sums of its own log-probabilities."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speciate.evaluator import Engine
from speciate.evaluator.tokenizer import Tokenizer


def items(zoo: Path, task: str, count: int) -> list[dict[str, Any]]:
    lines = (zoo / "tasks" / f"{task}.test.jsonl").read_text().splitlines()[:count]
    return [json.loads(line) for line in lines]


def test_likelihood(zoo: Path, transformers: Engine, base: Tokenizer, split: Any) -> None:
    transformers.load(zoo / "models" / "english")
    found = items(zoo, "english", 5)
    score = split(found, kind="likelihood").prepare(base, 512).score(transformers)
    texts = [str(item["text"]) for item in found]
    sums = [float(one.sum()) for one in transformers.logprobs([base.encode(t) for t in texts])]
    expected = [-a / math.log(2) / len(text) for a, text in zip(sums, texts, strict=True)]
    assert score.items == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("normalize", ["none", "characters"])
def test_multiple_choice(
    normalize: str, zoo: Path, transformers: Engine, base: Tokenizer, split: Any
) -> None:
    transformers.load(zoo / "models" / "library")
    found = items(zoo, "choice", 8)
    kind = split(found, kind="multiple_choice", normalize=normalize).prepare(base, 512)
    score = kind.score(transformers)
    for item, answer, value in zip(found, score.answers, score.items, strict=True):
        pairs = [base.encode_pair(item["prompt"], choice) for choice in item["choices"]]
        logprobs = transformers.logprobs([tokens for tokens, _ in pairs])
        sums = [one[start - 1 :].sum() for one, (_, start) in zip(logprobs, pairs, strict=True)]
        units = [len(c) if normalize == "characters" else 1 for c in item["choices"]]
        assert answer == str(int(np.argmax(np.divide(sums, units))))
        assert value == float(answer == str(item["answer"]))
    assert score.value > 0
