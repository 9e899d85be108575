"""Adapters put on a base, and made from a model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from speciate.errors import BreedError, ModelError
from speciate.population.adapters import AdaptedSource, Adapter, extract_adapter
from speciate.population.frame import frame_like, new_model
from speciate.population.genome import Source
from speciate.population.weights import Checkpoint

Make = Callable[..., Adapter]
Pair = Callable[..., tuple[Tensor, Tensor]]
LINEAR = "model.layers.0.mlp.up_proj"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Checkpoint]:
    def make(name: str, tensors: dict[str, Tensor], **config: Any) -> Checkpoint:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        save_file(tensors, tmp_path / name / "model.safetensors")
        return Checkpoint(tmp_path / name)

    return make


def weights(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        f"{LINEAR}.weight": torch.randn(6, 5, generator=generator),
        f"{LINEAR}.bias": torch.randn(6, generator=generator),
        "model.embed_tokens.weight": torch.randn(7, 5, generator=generator),
        "model.norm.weight": torch.randn(5, generator=generator),
        "lm_head.weight": torch.randn(7, 5, generator=generator),
        "steps": torch.tensor([3]),
    }


def test_a_base_with_an_adapter_reads_as_a_model(
    adapter: Make, random_pair: Pair, checkpoint: Callable[..., Checkpoint]
) -> None:
    tensors, (a, b) = weights(), random_pair(2, 6, 5)
    base = checkpoint("base", tensors, model_type="llama")
    one = adapter({LINEAR: (a, b)}, lora_alpha=4, extra={"model.norm.weight": torch.ones(5)})
    source = AdaptedSource(base, one, 0.5)
    assert source.names == base.names
    assert source.config == {"model_type": "llama"}
    expected = tensors[f"{LINEAR}.weight"] + b @ a
    assert torch.allclose(source.tensor(f"{LINEAR}.weight"), expected, atol=1e-6)
    assert torch.allclose(source.rows(f"{LINEAR}.weight", 1, 3), expected[1:3], atol=1e-6)
    norm = tensors["model.norm.weight"]
    assert torch.allclose(source.tensor("model.norm.weight"), (norm + 1) / 2)
    assert torch.equal(source.tensor("lm_head.weight"), tensors["lm_head.weight"])
    assert torch.equal(source.tensor("steps"), tensors["steps"])


def test_blocks_are_cut_from_the_whole(
    adapter: Make, random_pair: Pair, checkpoint: Callable[..., Checkpoint]
) -> None:
    name = f"{LINEAR}.weight"
    base = checkpoint("base", {name: weights()[name].bfloat16()})
    source = AdaptedSource(base, adapter({LINEAR: random_pair(3, 6, 5)}), 0.3)
    whole = source.tensor(name).reshape(-1)
    assert whole.dtype == torch.bfloat16
    for start in range(31):
        for stop in range(start, 31):
            assert torch.equal(source.read(name, start, stop), whole[start:stop])


def test_a_base_with_an_adapter_is_streamed_to_a_new_folder(
    adapter: Make, random_pair: Pair, checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    base = checkpoint("base", weights())
    source: Source = AdaptedSource(base, adapter({LINEAR: random_pair(2, 6, 5)}))
    with new_model(tmp_path / "child", frame_like(base)) as writer:
        for name in base.names:
            size = base.tensor(name).numel()
            writer.write(name, source.read(name, 0, size).reshape(base.shape(name)))
    child = Checkpoint(tmp_path / "child")
    assert child.digest() != base.digest()
    for name in base.names:
        assert torch.equal(
            child.tensor(name).reshape(-1), source.read(name, 0, child.tensor(name).numel())
        )


def test_embeddings_and_transposed_layers(
    adapter: Make, random_pair: Pair, checkpoint: Callable[..., Checkpoint]
) -> None:
    a, b = random_pair(2, 5, 7)
    tensors = {"embed.weight": torch.zeros(7, 5), "conv.weight": torch.zeros(7, 5)}
    base = checkpoint("base", tensors)
    keys = {"embed.lora_embedding_A": a, "embed.lora_embedding_B": b}
    one = adapter({}, extra=keys, r=2, lora_alpha=2)
    assert torch.allclose(AdaptedSource(base, one).tensor("embed.weight"), (b @ a).T, atol=1e-6)
    one = adapter({"conv": (a, b)}, fan_in_fan_out=True)
    assert torch.allclose(AdaptedSource(base, one).tensor("conv.weight"), (b @ a).T, atol=1e-6)


def test_an_adapter_of_another_base_is_refused(
    adapter: Make, random_pair: Pair, checkpoint: Callable[..., Checkpoint]
) -> None:
    base = checkpoint("base", weights())
    one = adapter({LINEAR: random_pair(1, 5, 6), "x": random_pair(1)})
    with pytest.raises(ModelError) as caught:
        AdaptedSource(base, one)
    assert "has shape [6, 5] in the base, not [5, 6]" in str(caught.value)
    assert "the base has no x.weight" in str(caught.value)


def changed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(9)
    return {
        name: tensor + torch.randn(tensor.shape, generator=generator)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in tensors.items()
    }


def test_extracting_at_full_rank_gives_the_model_back(
    checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    tensors = weights()
    base, model = checkpoint("base", tensors), checkpoint("model", changed(tensors))
    result = extract_adapter(base, model, tmp_path / "a", 5, save_modules=True)
    one = Adapter(tmp_path / "a")
    assert result.digest == one.digest()
    assert one.modules == ("lm_head", LINEAR)
    assert one.saved == ("model.embed_tokens.weight", "model.norm.weight")
    assert [change.name for change in result.left_out] == [f"{LINEAR}.bias"]
    assert max(result.lost.values()) < 1e-5
    source = AdaptedSource(base, one)
    for name in set(base.names) - {f"{LINEAR}.bias"}:
        assert torch.allclose(source.tensor(name), model.tensor(name), atol=1e-5)


def test_extraction_says_what_it_loses(
    checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    tensors = weights()
    base, model = checkpoint("base", tensors), checkpoint("model", changed(tensors))
    result = extract_adapter(base, model, tmp_path / "a", 2, targets=["up_proj"])
    assert Adapter(tmp_path / "a").modules == (LINEAR,)
    change = model.tensor(f"{LINEAR}.weight") - base.tensor(f"{LINEAR}.weight")
    values = torch.linalg.svdvals(change)
    expected = float(values[2:].norm() / values.norm())
    assert result.lost == {LINEAR: pytest.approx(expected, abs=1e-5)}
    norms = dict(result.left_out)
    assert list(norms.values()) == sorted(norms.values(), reverse=True)
    difference = model.tensor("model.norm.weight") - base.tensor("model.norm.weight")
    assert norms["model.norm.weight"] == pytest.approx(float(difference.norm()))
    assert "lm_head.weight" in norms


def test_tied_embeddings_are_not_kept_in_full(
    checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    tensors = {name: one for name, one in weights().items() if name != "lm_head.weight"}
    base = checkpoint("base", tensors, tie_word_embeddings=True)
    model = checkpoint("model", changed(tensors), tie_word_embeddings=True)
    result = extract_adapter(base, model, tmp_path / "a", 2, save_modules=True)
    assert "model.embed_tokens.weight" in {change.name for change in result.left_out}


def test_models_that_cannot_be_compared_are_refused(
    checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    base = checkpoint("base", weights())
    other = checkpoint("other", {f"{LINEAR}.weight": torch.ones(3, 5)})
    with pytest.raises(
        ModelError, match=r"lacks lm_head\.weight.*has shape \[3, 5\], not \[6, 5\]"
    ):
        extract_adapter(base, other, tmp_path / "a", 2)
    broken = checkpoint("broken", weights() | {"lm_head.weight": torch.full((7, 5), torch.nan)})
    with pytest.raises(ModelError, match=r"lm_head\.weight.*NaN"):
        extract_adapter(base, broken, tmp_path / "a", 2)
    with pytest.raises(BreedError, match="no module is adapted"):
        extract_adapter(base, base, tmp_path / "a", 2)
    assert not (tmp_path / "a").exists()
