"""What tests share: the zoo, and one real engine of each kind for the whole session."""

import importlib.resources
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speciate.configs.schema import Transformers, Vllm
from speciate.evaluator import Engine

# Read when torch and transformers are first imported; see speciate.cli.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

ZOO = Path(str(importlib.resources.files("speciate.configs"))) / "zoo"


class Shared:
    """An engine that outlives the campaigns it serves: closing it is left to the session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.fingerprint, self.limit, self.starts = engine.fingerprint, engine.limit, engine.starts
        self.load, self.logprobs, self.generate = engine.load, engine.logprobs, engine.generate

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """Nothing is remembered between tests, nor written to the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


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
