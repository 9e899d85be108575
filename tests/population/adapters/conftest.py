"""Small adapters on disk, and a way to breed them and look at the updates."""

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from speciate.configs.operators.adapters import PARAMETERS
from speciate.population.adapters import OPERATORS, Adapter, breed_adapter

Pairs = Mapping[str, tuple[Tensor, Tensor]]
BY_NAME = {operator.name: operator for operator in OPERATORS}


def write_folder(
    path: Path, pairs: Pairs, extra: Mapping[str, Tensor] | None = None, **config: Any
) -> Path:
    path.mkdir(parents=True)
    largest = max((a.shape[0] for a, _ in pairs.values()), default=1)
    ranks = {module: a.shape[0] for module, (a, _) in pairs.items()}
    fields = {
        "peft_type": "LORA",
        "r": largest,
        "lora_alpha": largest,
        "rank_pattern": {m: r for m, r in ranks.items() if r != largest},
        "alpha_pattern": {m: r for m, r in ranks.items() if r != largest},
        "task_type": "CAUSAL_LM",
    }
    (path / "adapter_config.json").write_text(json.dumps(fields | config))
    tensors = {f"base_model.model.{m}.lora_A.weight": a for m, (a, _) in pairs.items()}
    tensors |= {f"base_model.model.{m}.lora_B.weight": b for m, (_, b) in pairs.items()}
    tensors |= {f"base_model.model.{name}": tensor for name, tensor in (extra or {}).items()}
    save_file({k: v.contiguous() for k, v in tensors.items()}, path / "adapter_model.safetensors")
    return path


@pytest.fixture
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Adapter]:
    """An adapter of the factors (A, B) of its modules, with a scale of 1 unless told otherwise."""

    def make(pairs: Pairs, **options: Any) -> Adapter:
        return Adapter(write_folder(tmp_path_factory.mktemp("in") / "a", pairs, **options))

    return make


@pytest.fixture
def bred(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Adapter]:
    """The child of adapters, by the name of the operator."""

    def breed(
        name: str, *parents: Adapter, seed: int = 0, dtype: str | None = None, **values: Any
    ) -> Adapter:
        out = tmp_path_factory.mktemp("out") / "child"
        parameters = PARAMETERS[name].model_validate(values)
        digest = breed_adapter(BY_NAME[name], parameters, {"adapter": parents}, out, seed, dtype)
        child = Adapter(out)
        assert child.digest() == digest
        return child

    return breed


@pytest.fixture(scope="session")
def delta() -> Callable[..., Tensor]:
    """The update of a module, 0-dimensional 0 where it is left alone."""

    def of(one: Adapter, module: str = "m") -> Tensor:
        factors = one.factors(module)
        return torch.tensor(0.0) if factors is None else factors.delta()

    return of


@pytest.fixture(scope="session")
def random_pair() -> Callable[..., tuple[Tensor, Tensor]]:
    """Factors (A, B) by rank; another pair at each call."""
    numbers = itertools.count()

    def make(rank: int = 2, outputs: int = 6, inputs: int = 5) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(next(numbers))
        a = torch.randn(rank, inputs, generator=generator)
        return a, torch.randn(outputs, rank, generator=generator)

    return make
