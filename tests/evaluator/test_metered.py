"""What an engine does is counted; nothing else changes."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.metered import MeteredEngine, Work


def test_it_answers_as_the_engine_and_counts(zoo: Path, transformers: Engine) -> None:
    clock = count(step=0.5)
    engine = MeteredEngine(transformers, lambda: next(clock))
    assert engine.fingerprint == transformers.fingerprint
    assert (engine.work.rate, engine.work.swap) == (0.0, 0.0)
    for name in ("base", "english"):
        engine.load(zoo / "models" / name)
    [alone], [found] = transformers.logprobs([[5, 6, 7, 8]]), engine.logprobs([[5, 6, 7, 8]])
    assert np.array_equal(alone, found)
    answers = engine.generate([[5, 6], [7]], Sampling(3))
    assert answers == transformers.generate([[5, 6], [7]], Sampling(3))
    tokens = 4 + 3 + sum(map(len, answers))
    assert engine.work == Work(2, 1.0, tokens, 1.0)
    assert (engine.work.rate, engine.work.swap) == (tokens, 0.5)


def test_a_stream_is_a_swap_too(zoo: Path, transformers: Engine) -> None:
    clock = count(step=0.5)
    engine = MeteredEngine(transformers, lambda: next(clock))
    english = load_file(zoo / "models" / "english" / "model.safetensors")
    engine.load_tensors(english.items())
    [streamed] = engine.logprobs([[5, 6, 7, 8]])
    engine.load(zoo / "models" / "english")
    assert np.array_equal(streamed, engine.logprobs([[5, 6, 7, 8]])[0])
    assert (engine.work.swaps, engine.work.swap_seconds) == (2, 1.0)
    with pytest.raises(EvaluationError):
        engine.load_tensors([])
    assert engine.work.swaps == 2


def test_a_model_that_does_not_load_is_no_swap(transformers: Engine, tmp_path: Path) -> None:
    engine = MeteredEngine(transformers)
    with pytest.raises(EvaluationError):
        engine.load(tmp_path)
    assert engine.work == Work()
