"""Small model folders, and a way to apply an operator to tensors in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from speciate.population.breed import values_of
from speciate.population.crew import Crew
from speciate.population.operators.operator import Operator
from speciate.population.operators.registry import OPERATORS
from speciate.population.plan import Segment
from speciate.population.structure import Structure

Weights = Mapping[str, Tensor]
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 4}
VOCABULARY = {"a": 0, "b": 1, "c": 2, "d": 3}


class Memory:
    """A `Source` of tensors in memory."""

    label = "memory"

    def __init__(self, weights: Weights) -> None:
        self.names = tuple(weights)
        self._weights = weights

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._weights[name].shape)

    def dtype(self, name: str) -> torch.dtype:
        return self._weights[name].dtype

    def read(self, name: str, start: int, stop: int) -> Tensor:
        return self._weights[name].reshape(-1)[start:stop]


def apply_operator(
    operator: str,
    roles: Mapping[str, Sequence[Weights]],
    seed: int = 0,
    jobs: int = 2,
    statistics: Sequence[Weights] = (),
    config: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> dict[str, Tensor]:
    """All tensors of the child of models in memory, made as `breed` makes them."""
    chosen = OPERATORS[operator]
    assert isinstance(chosen, Operator)
    settings = chosen.parameters.model_validate(parameters)
    chosen.check(settings, len(roles.get("model", ())))
    sources = {role: [Memory(weights) for weights in models] for role, models in roles.items()}
    frame = next(iter(roles.values()))[0]
    names = tuple(sorted(frame))
    segment = Segment(
        chosen,
        settings,
        sources,
        names,
        Structure(names),
        config or {},
        [Memory(measured) for measured in statistics],
    )
    child = {name: torch.full(frame[name].shape, torch.nan) for name in frame}
    with Crew(jobs) as crew:
        for span, values in values_of(segment, seed, crew, lambda *pair: pair):
            start = span.matrix.start + span.start
            assert values.dtype == torch.float32
            child[span.place.name].view(-1)[start : start + values.numel()] = values.reshape(-1)
    return child


@pytest.fixture(scope="session")
def apply() -> Callable[..., dict[str, Tensor]]:
    return apply_operator


def write_folder(
    path: Path,
    tensors: Weights,
    vocabulary: Mapping[str, int] = VOCABULARY,
    shards: Sequence[Sequence[str]] = (),
    **config: Any,
) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(CONFIG | config))
    (path / "generation_config.json").write_text('{"eos_token_id": 0}')
    (path / "chat_template.jinja").write_text("{{ messages }}")
    (path / "README.md").write_text("not for the offspring")
    tokenizer = {"added_tokens": [], "model": {"type": "BPE", "vocab": dict(vocabulary)}}
    (path / "tokenizer.json").write_text(json.dumps(tokenizer))
    if not shards:
        save_file(dict(tensors), path / "model.safetensors")
        return path
    places = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: tensors[name] for name in names}, path / file)
        places |= dict.fromkeys(names, file)
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes `tmp_path / name` a model folder of the tensors given."""

    def make(name: str, tensors: Weights, **options: Any) -> Path:
        return write_folder(tmp_path / name, tensors, **options)

    return make


@pytest.fixture(scope="session")
def random_weights() -> Callable[[int], dict[str, Tensor]]:
    """Tensors of several types and sizes, by seed."""

    def make(seed: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return {
            "embed": torch.randn(4, 6, generator=generator),
            "norm": torch.rand(5, generator=generator).bfloat16(),
            "proj": torch.randn(6, 6, generator=generator).bfloat16(),
            "steps": torch.tensor([1, 2, 3 + seed]),
            "used": torch.tensor([True, False, True]),
        }

    return make
