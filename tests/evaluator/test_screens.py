"""Screens on real models: the healthy pass, and what is broken is turned away with the reason."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from speciate.configs.schema import Screens
from speciate.errors import RejectedError, TaskError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.screens import Screening, repeated
from speciate.evaluator.tokenizer import Tokenizer


@pytest.fixture
def texts(zoo: Path) -> list[str]:
    lines = (zoo / "tasks" / "english.search.jsonl").read_text().splitlines()
    return [str(json.loads(line)["text"]) for line in lines]


@pytest.fixture
def screening(split: Any, base: Tokenizer, texts: list[str]) -> Any:
    """Makes screens that look at English texts."""

    def made(limit: int = 512, **settings: object) -> Screening:
        kind = split([{"text": text} for text in texts], kind="likelihood").prepare(base, 512)
        return Screening(Screens.model_validate(settings), {"english": kind}, limit)

    return made


def test_bits_are_those_of_the_first_items(
    screening: Any, zoo: Path, transformers: Engine, base: Tokenizer, texts: list[str]
) -> None:
    transformers.load(zoo / "models" / "unicode")
    logprobs = transformers.logprobs([base.encode(text) for text in texts[:3]])
    bits = -float(np.concatenate(logprobs).mean()) / math.log(2)
    screening(items=3, bits_per_token=bits + 0.01).check(transformers)
    with pytest.raises(RejectedError) as told:
        screening(items=3, bits_per_token=2).check(transformers)
    assert str(told.value) == f"screen: {bits:.3f} bits per token, more than 2"


def test_repetition_is_that_of_greedy_continuations(
    screening: Any, zoo: Path, transformers: Engine, base: Tokenizer, texts: list[str]
) -> None:
    transformers.load(zoo / "models" / "english")
    prompts = [base.encode(text)[:480] for text in texts[:2]]
    written = transformers.generate(prompts, Sampling(32))
    share = sum(repeated(text, 2) for text in written) / 2
    assert 0 < share < 1
    settings = {"items": 2, "ngram": 2, "max_tokens": 32}
    screening(**settings, repetition=share).check(transformers)
    with pytest.raises(RejectedError, match=r"^screen: 0\.\d{3} of 2-grams repeat, more than 0$"):
        screening(**settings, repetition=0).check(transformers)


def test_repeated_ngrams() -> None:
    assert repeated([1, 2, 1, 2, 1], 2) == 0.5
    assert repeated([1, 2, 3], 1) == repeated([1, 2], 3) == repeated([], 4) == 0.0
    assert repeated([7] * 100, 1) == 0.99


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_what_is_not_finite_is_out(
    screening: Any, zoo: Path, transformers: Engine, value: float
) -> None:
    class Broken:
        def logprobs(self, sequences: Any) -> list[NDArray[np.float64]]:
            found = transformers.logprobs(sequences)
            found[-1][-1] = value
            return found

    screening().check(transformers)
    with pytest.raises(RejectedError, match=r"^screen: log-probabilities are not finite$"):
        screening().check(Broken())


def test_what_cannot_be_screened_is_told(screening: Any) -> None:
    with pytest.raises(TaskError, match="max_tokens = 64 leaves no room for a prompt"):
        screening(limit=64)
    with pytest.raises(TaskError, match="no task has a text to look at"):
        Screening(Screens(), {}, 512)
