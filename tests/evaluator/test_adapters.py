"""Several adapters in one engine: both engines agree, and both with the merged models."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.adapters import AdaptedSource, Adapter
from speciate.population.weights import Checkpoint

KINDS = ("library", "english", "headers")


@pytest.fixture(params=["vllm", "transformers"])
def engine(request: pytest.FixtureRequest) -> Engine:
    name = "vllm_of_adapters" if request.param == "vllm" else "transformers"
    found: Engine = request.getfixturevalue(name)
    if request.param == "transformers":
        found.load(Path(str(request.getfixturevalue("zoo"))) / "models" / "base")
    return found


@pytest.fixture(scope="module")
def texts(zoo: Path) -> list[list[int]]:
    """Texts of every kind."""
    tokenizer = Tokenizer(zoo / "models" / "base")
    lines = [(zoo / "tasks" / f"{kind}.test.jsonl").read_text().splitlines() for kind in KINDS]
    return [tokenizer.encode(json.loads(line)["text"]) for part in lines for line in part[:5]]


@pytest.fixture(scope="module")
def merged(
    zoo: Path, adapters: Path, transformers: Engine, texts: list[list[int]]
) -> list[list[NDArray[np.float64]]]:
    """Log-probabilities by the base, and by full models into which the adapters were merged."""
    base = Checkpoint(zoo / "models" / "base")
    transformers.load(base.path)
    found = [transformers.logprobs(texts)]
    for kind in KINDS:
        source = AdaptedSource(_Wide(base.path), Adapter(adapters / kind))
        transformers.load_tensors((name, source.tensor(name)) for name in source.names)
        found.append(transformers.logprobs(texts))
    return found


class _Wide(Checkpoint):
    """Stored in bfloat16, read as float32, so that an update is not rounded away."""

    def read(self, name: str, start: int, stop: int) -> "object":  # type: ignore[override]
        return super().read(name, start, stop).float()


def apart(ours: Sequence[NDArray[np.float64]], theirs: Sequence[NDArray[np.float64]]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


def test_adapters_in_one_batch_are_the_merged_models(
    engine: Engine, adapters: Path, texts: list[list[int]], merged: list[list[NDArray[np.float64]]]
) -> None:
    engine.load_adapters([None, *(adapters / kind for kind in KINDS[:2])])
    models = [place for place in range(3) for _ in texts]
    found = engine.logprobs(texts * 3, models)
    size = len(texts)
    for place in range(3):
        assert apart(found[place * size : (place + 1) * size], merged[place]) < 1e-3
    assert apart(merged[1], merged[2]) > 0.1
    assert engine.starts == 1


def test_questions_may_come_in_any_order(
    engine: Engine, adapters: Path, texts: list[list[int]], merged: list[list[NDArray[np.float64]]]
) -> None:
    engine.load_adapters([adapters / kind for kind in KINDS])
    models = [number % 3 for number in range(len(texts))]
    found = engine.logprobs(texts, models)
    assert apart(found, [merged[1 + m][n] for n, m in enumerate(models)]) < 1e-3
    # The first, if nobody is named.
    assert apart(engine.logprobs(texts), merged[1]) < 1e-3


def test_nothing_is_left_of_adapters_that_were_dropped(
    engine: Engine, adapters: Path, texts: list[list[int]]
) -> None:
    engine.load_adapters([None])
    before = engine.logprobs(texts)
    for kind in KINDS:
        engine.load_adapters([adapters / kind])
        assert apart(engine.logprobs(texts), before) > 0.1
    engine.load_adapters([None])
    assert apart(engine.logprobs(texts), before) == 0


def test_the_model_itself_is_like_none_that_was_loaded_before(
    engine: Engine, adapters: Path, texts: list[list[int]], merged: list[list[NDArray[np.float64]]]
) -> None:
    engine.load_adapters([adapters / kind for kind in KINDS])
    engine.logprobs(texts)
    engine.load_adapters([adapters / KINDS[0], None])
    found = engine.logprobs(texts * 2, [number % 2 for number in (0, 1) for _ in texts])
    assert apart(found[: len(texts)], merged[1]) < 1e-3
    assert apart(found[len(texts) :], merged[0]) < 1e-3


def test_each_goes_on_in_its_own_way(
    engine: Engine, adapters: Path, texts: list[list[int]]
) -> None:
    prompts = [text[:12] for text in texts[:6]]
    together, sampled, models = [], [], [place for place in range(3) for _ in prompts]
    drawn = Sampling(6, 1.0, 0.9, range(len(models)))
    for place, kind in enumerate(KINDS):
        engine.load_adapters([adapters / kind])
        together += engine.generate(prompts, Sampling(6))
        seeds = drawn.seeds[place * 6 : place * 6 + 6]
        sampled += engine.generate(prompts, Sampling(6, 1.0, 0.9, seeds))
    engine.load_adapters([adapters / kind for kind in KINDS])
    assert engine.generate(prompts * 3, Sampling(6), models) == together
    assert engine.generate(prompts * 3, drawn, models) == sampled


def test_an_adapter_that_does_not_fit_is_refused_and_the_engine_lives_on(
    engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match="cannot load the adapter") as caught:
        engine.load_adapters([tmp_path / "none"])
    assert str(tmp_path) not in str(caught.value)
    engine.load_adapters([None])
    assert np.isfinite(engine.logprobs([[1, 2, 3]])[0]).all()
