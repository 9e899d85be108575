"""Perplexity of documents, by hand and on a real model."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from speciate.errors import EvaluationError, TaskError
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks import KINDS
from speciate.evaluator.tasks.perplexity import windows
from speciate.evaluator.tokenizer import Tokenizer

DOCUMENTS = ("a b", "def main():\n  return 0", "naïve")


class Half:
    """Gives every token one chance in two."""

    fingerprint, limit, starts = "half", 1000, 1

    def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        return [np.full(len(tokens) - 1, -math.log(2)) for tokens in sequences]


@pytest.mark.parametrize(("unit", "units"), [("word", 2 + 4 + 1), ("byte", 3 + 22 + 6)])
def test_units_of_the_corpus(unit: str, units: int, base: Tokenizer, split: Any) -> None:
    items = [{"text": text} for text in DOCUMENTS]
    kind = split(items, kind="perplexity", unit=unit).prepare(base, 1000)
    score = kind.score(Half())
    tokens = [len(base.encode_rendered(text)) for text in DOCUMENTS]
    assert score.metric == kind.metric == f"bits/{unit}"
    assert score.value == pytest.approx(sum(tokens) / units, abs=1e-6)
    assert score.items == pytest.approx([3 * count / units for count in tokens], abs=1e-6)


def test_units_of_tokens_and_given_ones(base: Tokenizer, split: Any) -> None:
    items: list[dict[str, object]] = [{"text": text} for text in DOCUMENTS]
    by_token = split(items, kind="perplexity", unit="token").prepare(base, 1000).score(Half())
    assert by_token.value == pytest.approx(1)
    items = [{"text": "abc", "units": 10}, {"text": "d e"}]
    given_units = split(items, kind="perplexity", unit="word").prepare(base, 1000).score(Half())
    count = sum(len(base.encode_rendered(text)) for text in ("abc", "d e"))
    assert given_units.value == pytest.approx(count / 12, abs=1e-6)


def test_fitness_is_one_over_the_perplexity() -> None:
    assert KINDS["perplexity"].fitness(0) == 1
    assert KINDS["perplexity"].fitness(3.0) == 1 / 8


@given(some.integers(2, 60), some.integers(2, 20))
def test_windows_score_each_token_once(length: int, size: int) -> None:
    tokens = range(length)
    parts = list(windows(tokens, size))
    assert [token for part, start in parts for token in part[start:]] == list(range(1, length))
    assert all(start >= 1 and len(part) <= size + 1 for part, start in parts)
    # No window has less before what it scores than it could have.
    assert all(len(part) == size + 1 for part, _ in parts[1:])


@pytest.mark.parametrize("window", [40, 511])
def test_a_real_model_as_the_harness_sums_it(
    window: int, zoo: Path, transformers: Engine, base: Tokenizer, split: Any
) -> None:
    transformers.load(zoo / "models" / "english")
    lines = (zoo / "tasks" / "english.test.jsonl").read_text().splitlines()[:5]
    texts = [str(json.loads(line)["text"]) * 2 for line in lines]
    total, words = 0.0, 0
    for text in texts:
        tokens = base.encode_pair("", text)[0]
        for end in range(1, len(tokens), window):
            last = min(end + window, len(tokens))
            context = tokens[max(0, last - window - 1) : last]
            total += float(transformers.logprobs([context])[0][-(last - end) :].sum())
        words += len(re.split(r"\s+", text))
    items = [{"text": text} for text in texts]
    kind = split(items, kind="perplexity", window=window).prepare(base, transformers.limit)
    value = kind.score(transformers).value
    assert 2**value == pytest.approx(math.exp(-total / words), rel=1e-4)
    assert 0 < kind.fitness(value) == 2.0**-value < 1


def test_a_model_that_is_not_finite(base: Tokenizer, split: Any) -> None:
    class Broken(Half):
        def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
            return [np.full(len(tokens) - 1, -np.inf) for tokens in sequences]

    with pytest.raises(EvaluationError, match="no finite likelihood"):
        split([{"text": "a"}], kind="perplexity").prepare(base, 1000).score(Broken())


def test_bad_items_are_named_with_their_line(split: Any) -> None:
    with pytest.raises(TaskError, match=r"t\.jsonl:2: not a perplexity item: units: .*greater"):
        split([{"text": "a"}, {"text": "a", "units": 0}], kind="perplexity")
    with pytest.raises(TaskError, match=r"t\.jsonl:1: .*unknown key 'txt'; did you mean 'text'"):
        split([{"txt": "a"}], kind="perplexity")


def test_a_window_longer_than_the_engine_takes_is_refused(base: Tokenizer, split: Any) -> None:
    with pytest.raises(TaskError, match=r"t\.jsonl:1: task 't' needs 201 tokens here"):
        split([{"text": "a" * 999}], kind="perplexity", window=200).prepare(base, 100)
