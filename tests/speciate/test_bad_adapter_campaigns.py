"""What campaigns of adapters refuse, in one line and before anything is started."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from speciate.adapters import adapted_modules
from speciate.errors import ConfigError
from speciate.population.adapters import Adapter, extract_adapter
from speciate.population.weights import Checkpoint

STRATEGY = "population = 2\ngenerations = 1\n"


def crossed(operator: str, more: str = "") -> str:
    return f'{STRATEGY}[[strategy.crossover]]\noperator = "{operator}"\n{more}'


@pytest.fixture
def pair(adapters: Path) -> list[Path]:
    return [adapters / "library", adapters / "english"]


def changed(bench: Any, adapter: Path, rename: Any = None, **fields: Any) -> Path:
    """A copy of an adapter with other names of tensors, or another config."""
    place: Path = shutil.copytree(adapter, bench.folder / "changed")
    config = json.loads((place / "adapter_config.json").read_text())
    (place / "adapter_config.json").write_text(json.dumps(config | fields))
    file = place / "adapter_model.safetensors"
    tensors = load_file(file)
    if rename:
        save_file({rename(name): tensor for name, tensor in tensors.items()}, file)
    return place


def test_adapters_and_models(bench: Any, pair: list[Path]) -> None:
    line = bench.refused_run(bench.campaign([pair[0], "english"]))
    assert "is an adapter and" in line
    assert line.endswith("give adapters of one base, or models")


def test_no_base(bench: Any, pair: list[Path]) -> None:
    path = bench.campaign(pair)
    path.write_text("".join(one for one in path.open() if "base = " not in one))
    assert bench.refused_run(path).startswith("founders.base: adapters need the model")


def test_a_base_that_is_an_adapter(bench: Any, pair: list[Path], adapters: Path) -> None:
    path = bench.campaign(pair)
    base = f'base = "{bench.zoo}/models/base"'
    path.write_text(path.read_text().replace(base, f'base = "{adapters / "tests"}"'))
    assert "is an adapter; give the model it was trained on" in bench.refused_run(path)


def test_adapters_of_another_base(bench: Any, pair: list[Path]) -> None:
    other = changed(bench, pair[0], lambda name: name.replace("layers.3", "layers.9"))
    line = bench.refused_run(bench.campaign([other, pair[1]]))
    assert "the base has no model.layers.9.mlp.down_proj.weight" in line


def test_tensors_in_full_and_embeddings(bench: Any, pair: list[Path], zoo: Path) -> None:
    base, expert = (Checkpoint(zoo / "models" / name) for name in ("base", "library"))
    extract_adapter(base, expert, bench.folder / "full", 2, targets=["q_proj"], save_modules=True)
    line = bench.refused_run(bench.campaign([bench.folder / "full", pair[1]]))
    assert line.endswith("campaigns take adapters without modules_to_save")
    place = changed(bench, pair[0])
    rows, columns = base.shape("model.embed_tokens.weight")
    factors = {"A": torch.zeros(4, rows), "B": torch.zeros(columns, 4)}
    key = "base_model.model.model.embed_tokens.lora_embedding_"
    save_file(
        {f"{key}{letter}": factor for letter, factor in factors.items()},
        place / "adapter_model.safetensors",
    )
    assert "adapts the embedding" in bench.refused_run(bench.campaign([place, pair[1]]))


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        ("linear", "linear merges models, and the founders are adapters; use lora_svd"),
        ("lora_cat", "unknown value 'lora_cat'"),
        ("lora_compeft", "unknown value 'lora_compeft'"),
    ],
)
def test_operators_for_others(bench: Any, pair: list[Path], operator: str, said: str) -> None:
    path = bench.campaign(pair, strategy=crossed(operator))
    assert said in bench.refused_run(path)


def test_adapter_operators_for_models(bench: Any) -> None:
    path = bench.campaign(strategy=crossed("lora_svd"))
    line = bench.refused_run(path)
    assert line == "lora_svd merges adapters, and the founders are models; use linear"
    both = crossed("lora_svd") + '[[strategy.crossover]]\noperator = "linear"'
    line = bench.refused_run(bench.campaign(strategy=both))
    assert "lora_svd merges adapters and linear models; use one kind" in line


def test_a_rank_that_is_drawn(bench: Any, pair: list[Path]) -> None:
    path = bench.campaign(pair, strategy=crossed("lora_svd", "parameters = { rank = [2, 4] }"))
    assert "'rank' must be one whole number, not a range" in bench.refused_run(path)


def test_ranks_that_differ(bench: Any, pair: list[Path], zoo: Path) -> None:
    base, expert = (Checkpoint(zoo / "models" / name) for name in ("base", "tests"))
    extract_adapter(base, expert, bench.folder / "other", 2, targets=["q_proj"])
    path = bench.campaign([bench.folder / "other", pair[0]], strategy=crossed("lora_linear"))
    assert "lora_linear needs adapters of one rank" in bench.refused_run(path)


def test_a_rank_that_vllm_has_no_room_for(bench: Any, pair: list[Path]) -> None:
    path = bench.campaign(pair, strategy=crossed("lora_svd", "parameters = { rank = 600 }"))
    path.write_text(path.read_text().replace('"transformers"', '"vllm"'))
    assert "an adapter would have rank 600, vLLM takes 512 at most" in bench.refused_run(path)


def test_a_head_in_vllm(bench: Any, pair: list[Path]) -> None:
    place = changed(
        bench, pair[0], lambda name: name.replace("model.layers.0.mlp.up_proj", "lm_head")
    )
    with pytest.raises(ConfigError, match="adapts lm_head, with which vLLM misreads prompts"):
        adapted_modules([Adapter(place)])


@pytest.mark.parametrize(
    ("name", "said"), [("race", "do not race"), ("estimate", "are not estimated")]
)
def test_trials_in_batches(bench: Any, pair: list[Path], name: str, said: str) -> None:
    strategy = f"population = 2\nevaluations = 4\n{name} = {{}}"
    items = [{"prompt": f"a{n}", "choices": ["b", "c"], "answer": 0} for n in range(10)]
    path = bench.campaign(
        pair,
        strategy=strategy,
        task=bench.task(*items, kind="multiple_choice"),
    )
    path.write_text(path.read_text().replace('"genome"', '"steady_state"'))
    assert bench.refused_run(path) == (
        f"candidates {said} 8 in a batch; set engine.adapters = 1, or leave out strategy.{name}"
    )


def test_batches_of_models(bench: Any) -> None:
    line = bench.refused_run(bench.campaign(), "--set", "engine.adapters=4")
    assert line == "engine.adapters is for founders that are adapters; leave it out"
    assert "less than or equal to 64" in bench.refused_run(
        bench.campaign(), "--set", "engine.adapters=65"
    )


def test_a_soup_of_adapters(bench: Any, pair: list[Path]) -> None:
    line = bench.refused("soup", bench.campaign(pair), bench.folder / "out")
    assert "soup averages models, and the founders are adapters" in line
