"""Children stacked from blocks, with real models: what they compute, not only what they hold."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    LlamaConfig,
    Olmo2Config,
    PreTrainedModel,
    Qwen3Config,
)

from speciate.errors import ConfigError, ModelError
from speciate.population.breed import breed
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

TINY = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
    # The scales fold exactly but for the epsilon of the norms.
    "rms_norm_eps": 1e-12,
}
WORDS = torch.arange(12).reshape(1, 12)
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def model(
        name: str, seed: int, kind: type[Any] = LlamaConfig, layers: int = 4, **changed: Any
    ) -> Path:
        torch.manual_seed(seed)
        config = kind(**(TINY | {"num_hidden_layers": layers} | changed))
        made = AutoModelForCausalLM.from_config(config).float()
        for parameter in made.parameters():
            if parameter.dim() == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
        made.save_pretrained(tmp_path / name)
        return tmp_path / name

    return model


def child(
    operator: str, parents: Sequence[Path], out: Path, role: str = "model", **parameters: Any
) -> Path:
    recipe = Recipe(operator, tuple(Parent(p.name, role) for p in parents), parameters, 0)
    breed(recipe, {p.name: p for p in parents}, out)
    return out


def loaded(path: Path) -> PreTrainedModel:
    model, info = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    return model.eval()


def logits(path: Path) -> Tensor:
    with torch.no_grad():
        return loaded(path)(WORDS).logits


def run(parent: int, first: int, last: int) -> dict[str, Any]:
    return {"parents": [{"parent": parent, "layers": [first, last]}]}


def test_a_stack_of_all_blocks_is_the_model(make: Make, tmp_path: Path) -> None:
    a = make("a", 0)
    out = child("stack", [a], tmp_path / "out", pieces=[run(0, 0, 1), run(0, 2, 3)])
    assert Checkpoint(out).digest() == Checkpoint(a).digest()
    assert torch.equal(logits(out), logits(a))


def test_blocks_of_two_models(make: Make, tmp_path: Path) -> None:
    a, b = make("a", 0), make("b", 1, layers=3)
    pieces = [run(0, 0, 1), run(1, 1, 2), run(0, 1, 3)]
    out = child("stack", [a, b], tmp_path / "out", pieces=pieces)
    one, two, new = Checkpoint(a), Checkpoint(b), Checkpoint(out)
    assert new.config["num_hidden_layers"] == 7
    assert len(new.config["layer_types"]) == 7 if "layer_types" in one.config else True
    name = "model.layers.{}.mlp.up_proj.weight"
    origins = [(one, 0), (one, 1), (two, 1), (two, 2), (one, 1), (one, 2), (one, 3)]
    for position, (model, block) in enumerate(origins):
        assert torch.equal(new.tensor(name.format(position)), model.tensor(name.format(block)))
    # What comes before the blocks is of the first piece, and what comes after of the last.
    assert torch.equal(new.tensor("lm_head.weight"), one.tensor("lm_head.weight"))
    assert logits(out).isfinite().all()


def test_pieces_are_merged_by_their_operators(make: Make, tmp_path: Path) -> None:
    a, b = make("a", 0), make("b", 1)
    both = [{"parent": 0, "layers": [0, 1]}, {"parent": 1, "layers": [2, 3]}]
    ties = [
        {"parent": 0, "layers": [2, 3], "role": "base"},
        {"parent": 1, "layers": [2, 3]},
    ]
    pieces = [
        {"operator": "linear", "parents": both, "parameters": {"weights": [1, [0, 1]]}},
        {"operator": "task_arithmetic", "parents": ties, "parameters": {"scale": 1}},
    ]
    out = Checkpoint(child("stack", [a, b], tmp_path / "out", pieces=pieces))
    one, two = Checkpoint(a), Checkpoint(b)
    name = "model.layers.{}.self_attn.q_proj.weight"
    # A list over depth spans the blocks of its own piece.
    assert torch.equal(out.tensor(name.format(0)), one.tensor(name.format(0)))
    mean = (one.tensor(name.format(1)) + two.tensor(name.format(3))) / 2
    assert torch.allclose(out.tensor(name.format(1)), mean)
    assert torch.allclose(out.tensor(name.format(3)), two.tensor(name.format(3)), atol=1e-6)
    assert torch.allclose(out.tensor("model.norm.weight"), two.tensor("model.norm.weight"))


@pytest.mark.parametrize("kind", [LlamaConfig, Qwen3Config, Olmo2Config])
def test_copies_that_write_nothing_change_nothing(
    make: Make, tmp_path: Path, kind: type[Any]
) -> None:
    a = make("a", 0, kind)
    out = child("layer_duplicate", [a], tmp_path / "out", "parent", layers=[1, 3], identity=True)
    assert Checkpoint(out).config["num_hidden_layers"] == 6
    assert torch.allclose(logits(out), logits(a), atol=1e-6)
    plain = child("layer_duplicate", [a], tmp_path / "plain", "parent", layers=[1, 3])
    assert not torch.allclose(logits(plain), logits(a), atol=1e-2)


def test_dropped_blocks_are_skipped(make: Make, tmp_path: Path) -> None:
    a = make("a", 0)
    out = child("layer_drop", [a], tmp_path / "out", "parent", layers=[1, 2])
    whole = loaded(a)
    whole.model.layers = torch.nn.ModuleList([whole.model.layers[0], whole.model.layers[3]])
    whole.config.num_hidden_layers = 2
    for number, layer in enumerate(whole.model.layers):
        layer.self_attn.layer_idx = number
    with torch.no_grad():
        expected = whole(WORDS, use_cache=False).logits
    assert torch.allclose(logits(out), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [LlamaConfig, Qwen3Config])
def test_scales_of_a_data_flow_are_folded_into_the_weights(
    make: Make, tmp_path: Path, kind: type[Any]
) -> None:
    """Compared with the path that multiplies the hidden state on its way into each block."""
    a, b = make("a", 0, kind), make("b", 1, kind)
    path, scales = [[0, 0], [1, 2], [0, 1], [1, 3]], [1.0, 0.7, 1.5, 2.0]
    out = child("data_flow", [a, b], tmp_path / "out", path=path, scales=scales)
    models = loaded(a), loaded(b)
    flow = loaded(a)
    layers = [models[model].model.layers[layer] for model, layer in path]
    for number, (layer, scale) in enumerate(zip(layers, scales, strict=True)):
        layer.self_attn.layer_idx = number
        layer.register_forward_pre_hook(
            lambda _, given, kept, scale=scale: ((given[0] * scale, *given[1:]), kept),
            with_kwargs=True,
        )
    flow.model.layers = torch.nn.ModuleList(layers)
    flow.model.norm, flow.lm_head = models[1].model.norm, models[1].lm_head
    with torch.no_grad():
        expected = flow(WORDS, use_cache=False).logits
    assert torch.allclose(logits(out), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("operator", "role", "parameters", "message"),
    [
        ("stack", "model", {"pieces": [run(0, 0, 4)]}, "parent 0 has 4 blocks, so none of num"),
        ("stack", "model", {"pieces": [run(2, 0, 1)]}, "no parent 2; there are 1"),
        ("stack", "model", {"pieces": [run(0, 2, 1)]}, "the first one first"),
        (
            "stack",
            "model",
            {"pieces": [run(0, 0, 1) | {"operator": "tie"}]},
            r"pieces\.0: unknown operator 'tie'; did you mean 'ties'",
        ),
        ("stack", "model", {"pieces": [run(0, 0, 1) | {"operator": "stack"}]}, "field required"),
        ("data_flow", "model", {"path": [[1, 0]]}, "names a model that is not there"),
        ("data_flow", "model", {"path": [[0, 0]], "scales": [1, 2]}, "2 given for 1 steps"),
        ("layer_drop", "parent", {"layers": [4]}, "no block 4; the model has 4"),
        ("layer_drop", "parent", {"layers": [0, 1, 2, 3]}, "no block is left"),
        ("layer_duplicate", "parent", {"layers": [9]}, "no block 9; the model has 4"),
    ],
)
def test_what_cannot_be_stacked(
    make: Make, tmp_path: Path, operator: str, role: str, parameters: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        child(operator, [make("a", 0)], tmp_path / "out", role, **parameters)
    assert not (tmp_path / "out").exists()


def test_scales_that_cannot_be_folded_are_refused(make: Make, tmp_path: Path) -> None:
    olmo = make("olmo", 0, Olmo2Config)
    with pytest.raises(ModelError, match="without a norm before them"):
        child("data_flow", [olmo], tmp_path / "out", path=[[0, 0], [0, 1]], scales=[1, 2])
    a = make("a", 0, Gemma2Config)
    with pytest.raises(ModelError, match="norms add 1 to their weights"):
        child("data_flow", [a], tmp_path / "out", path=[[0, 0], [0, 1]], scales=[1, 2])
    out = child("data_flow", [a], tmp_path / "plain", path=[[0, 0], [0, 2], [0, 1]])
    types = Checkpoint(a).config["layer_types"]
    assert Checkpoint(out).config["layer_types"] == [types[0], types[2], types[1]]
    assert logits(out).isfinite().all()
