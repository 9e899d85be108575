"""What tests share: the zoo, and one real engine of each kind for the whole session."""

import importlib.resources
from collections.abc import Iterator
from pathlib import Path

import pytest

from speciate.configs.schema import Transformers, Vllm
from speciate.evaluator import Engine

ZOO = Path(str(importlib.resources.files("speciate.configs"))) / "zoo"


class Shared:
    """An engine that outlives the campaigns it serves: closing it is left to the session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.load, self.logprobs, self.generate = engine.load, engine.logprobs, engine.generate

    def close(self) -> None: ...


@pytest.fixture(scope="session")
def zoo() -> Path:
    """Folder of the shipped models and tasks."""
    return ZOO


@pytest.fixture(scope="session")
def vllm() -> Iterator[Engine]:
    """A real vLLM engine on the zoo's base."""
    from speciate.evaluator.engine import VllmEngine

    engine = VllmEngine(Vllm(type="vllm"), ZOO / "models" / "base")
    yield Shared(engine)
    engine.close()


@pytest.fixture(scope="session")
def transformers() -> Engine:
    """The embedded engine on the zoo's base."""
    from speciate.evaluator.hf import TransformersEngine

    return Shared(TransformersEngine(Transformers(type="transformers"), ZOO / "models" / "base"))
