"""Both engines on the real zoo: they agree, and nothing of one model is left for the next."""

import json
from pathlib import Path

import numpy as np
import pytest

from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.tokenizer import Tokenizer

MODELS = ("base", "library", "tests")  # `tests` is stored in shards.


def texts(zoo: Path, task: str, key: str, count: int) -> list[str]:
    lines = (zoo / "tasks" / f"{task}.test.jsonl").read_text().splitlines()[:count]
    return [str(json.loads(line)[key]) for line in lines]


@pytest.fixture(params=["vllm", "transformers"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_logprobs_of_both_agree(model: str, zoo: Path, vllm: Engine, transformers: Engine) -> None:
    tokenizer = Tokenizer(zoo / "models" / "base")
    kinds = ("library", "english", "headers", "unicode", "tests")
    tokens = [tokenizer.encode(text) for kind in kinds for text in texts(zoo, kind, "text", 30)]
    for engine in (vllm, transformers):
        engine.load(zoo / "models" / model)
    ours, theirs = vllm.logprobs(tokens), transformers.logprobs(tokens)
    assert [len(one) for one in ours] == [len(one) - 1 for one in tokens]
    assert max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) < 1e-3


@pytest.mark.parametrize("model", MODELS)
def test_greedy_answers_of_both_agree(
    model: str, zoo: Path, vllm: Engine, transformers: Engine
) -> None:
    tokenizer = Tokenizer(zoo / "models" / "base")
    prompts = [tokenizer.encode(text) for text in texts(zoo, "complete", "prompt", 100)]
    for engine in (vllm, transformers):
        engine.load(zoo / "models" / model)
    ours, theirs = (one.generate(prompts, Sampling(8)) for one in (vllm, transformers))
    assert np.mean([a == b for a, b in zip(ours, theirs, strict=True)]) >= 0.99


def test_samples_are_those_of_their_seeds(zoo: Path, engine: Engine) -> None:
    tokenizer = Tokenizer(zoo / "models" / "base")
    prompts = [tokenizer.encode(text) for text in texts(zoo, "complete", "prompt", 12)]
    engine.load(zoo / "models" / "library")
    first = engine.generate(prompts, Sampling(8, 1.0, 0.9, range(12)))
    assert engine.generate(prompts, Sampling(8, 1.0, 0.9, range(12))) == first
    assert engine.generate(prompts[::-1], Sampling(8, 1.0, 0.9, range(12)[::-1])) == first[::-1]
    assert engine.generate(prompts, Sampling(8, 1.0, 0.9, range(12, 24))) != first
    # The likeliest token alone is what is drawn from.
    drawn = engine.generate(prompts, Sampling(8, 1.0, 1e-6, [2**63 - 1] * 12))
    assert drawn == engine.generate(prompts, Sampling(8))


@pytest.mark.parametrize("temperature", [0.5, 1.5])
def test_samples_are_as_frequent_as_likely(zoo: Path, engine: Engine, temperature: float) -> None:
    prompt = Tokenizer(zoo / "models" / "base").encode("def ")
    engine.load(zoo / "models" / "library")
    size = json.loads((zoo / "models" / "base" / "config.json").read_text())["vocab_size"]
    logprobs = np.array([one[-1] for one in engine.logprobs([[*prompt, t] for t in range(size)])])
    likely = np.exp(logprobs / temperature) / np.exp(logprobs / temperature).sum()
    drawn = engine.generate([prompt] * 600, Sampling(1, temperature, 1.0, range(600)))
    # An end-of-text token that was drawn is left out.
    found = np.array([likely[one[0]] for one in drawn if one])
    spread = np.sqrt(np.sum(likely * likely**2) - np.sum(likely**2) ** 2)
    assert len(found) > 590
    assert abs(found.mean() - np.sum(likely**2)) < 4 * spread / np.sqrt(600)


def test_scores_do_not_depend_on_what_was_loaded_before(zoo: Path, engine: Engine) -> None:
    tokenizer = Tokenizer(zoo / "models" / "base")
    tokens = [tokenizer.encode(text) for text in texts(zoo, "library", "text", 40)]
    engine.load(zoo / "models" / "library")
    first = engine.logprobs(tokens)
    engine.load(zoo / "models" / "unicode")
    other = engine.logprobs(tokens)
    engine.generate(tokens[:3], Sampling(4))
    engine.load(zoo / "models" / "library")
    again = engine.logprobs(tokens)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_sequences_of_any_length_come_back_in_order(zoo: Path, engine: Engine) -> None:
    tokenizer = Tokenizer(zoo / "models" / "base")
    tokens = [tokenizer.encode("def main" * n) for n in (9, 1, 4)]
    engine.load(zoo / "models" / "library")
    together = engine.logprobs(tokens)
    alone = [engine.logprobs([one])[0] for one in tokens]
    for a, b in zip(together, alone, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_weights_that_do_not_fit_are_refused(zoo: Path, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    with pytest.raises(EvaluationError, match="cannot load the weights") as caught:
        engine.load(tmp_path)
    # Recorded errors are hashed: they may name nothing of this machine.
    assert str(tmp_path) not in str(caught.value)
    # The engine lives on.
    engine.load(zoo / "models" / "base")
    assert np.isfinite(engine.logprobs([[1, 2, 3]])[0]).all()


def test_one_start(engine: Engine) -> None:
    assert engine.starts == 1
