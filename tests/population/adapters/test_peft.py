"""Against the PEFT library itself."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.population.adapters import AdaptedSource, Adapter, extract_adapter
from speciate.population.weights import Checkpoint

peft: Any = pytest.importorskip("peft")
Make = Callable[..., Adapter]
IDS = torch.arange(12).reshape(2, 6)


def llama(path: Path) -> Path:
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=False,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("base") / "base")


def load(base: Path) -> Any:
    transformers = importlib.import_module("transformers")
    return transformers.LlamaForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


def saved(base: Path, out: Path, seed: int, **config: Any) -> Adapter:
    """An adapter that the library itself makes, with random factors."""
    model = peft.get_peft_model(load(base), peft.LoraConfig(task_type="CAUSAL_LM", **config))
    generator = torch.Generator().manual_seed(seed)
    for name, values in model.named_parameters():
        if values.requires_grad:
            noise = torch.randn(values.shape, generator=generator)
            values.data = values.data + noise if "modules_to_save" in name else noise * 0.3
    model.save_pretrained(out)
    return Adapter(out)


def logits(base: Path, adapter: Path | None = None) -> Tensor:
    model = load(base)
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    with torch.no_grad():
        found: Tensor = model(IDS).logits
    return found


def logits_with(base: Path, changes: dict[str, Tensor]) -> Tensor:
    model = load(base)
    state = model.state_dict()
    for name, change in changes.items():
        state[name] += change
    with torch.no_grad():
        found: Tensor = model(IDS).logits
    return found


def updates(base: Path, *adapters: Path) -> dict[str, Tensor]:
    """Sum of what the library adds to the weights."""
    before, total = load(base).state_dict(), {}
    for adapter in adapters:
        after = peft.PeftModel.from_pretrained(load(base), adapter).merge_and_unload().state_dict()
        for name, tensor in after.items():
            total[name] = total.get(name, 0) + tensor - before[name]
    return total


@pytest.fixture
def parents(base: Path, tmp_path: Path) -> list[Adapter]:
    one = saved(base, tmp_path / "one", 1, r=2, lora_alpha=6, target_modules=["q_proj", "up_proj"])
    two = saved(
        base,
        tmp_path / "two",
        2,
        r=4,
        lora_alpha=4,
        use_rslora=True,
        target_modules=["q_proj", "v_proj", "down_proj"],
        rank_pattern={"layers.1.self_attn.q_proj": 3},
        alpha_pattern={"v_proj": 2},
    )
    return [one, two]


@pytest.mark.parametrize("operator", ["lora_svd", "lora_cat", "knots"])
def test_peft_loads_the_merge_and_gets_the_sum(
    base: Path, parents: list[Adapter], bred: Make, operator: str
) -> None:
    values: dict[str, Any] = {"normalize": False}
    if operator != "lora_cat":
        values["rank"] = 99
    if operator == "knots":
        values |= {"consensus": "none", "density": 1.0}
    child = bred(operator, *parents, **values)
    expected = logits_with(base, updates(base, *(one.path for one in parents)))
    assert float((expected - logits(base)).abs().max()) > 0.1
    assert torch.allclose(logits(base, child.path), expected, atol=1e-4)


@pytest.mark.parametrize("operator", ["lora_svd", "knots", "lora_lego", "lora_cat"])
def test_peft_loads_what_every_operator_writes(
    base: Path, parents: list[Adapter], bred: Make, operator: str
) -> None:
    child = bred(operator, *parents)
    source = AdaptedSource(Checkpoint(base), child)
    found = updates(base, child.path)
    for name, update in found.items():
        change = source.tensor(name) - Checkpoint(base).tensor(name)
        assert torch.allclose(change, update, atol=1e-4)
    assert logits(base, child.path).isfinite().all()


def test_adapted_sources_are_what_peft_merges(base: Path, tmp_path: Path) -> None:
    one = saved(
        base,
        tmp_path / "one",
        3,
        r=3,
        lora_alpha=7,
        target_modules=["embed_tokens", "o_proj"],
        modules_to_save=["lm_head", "norm"],
    )
    # To the library, "norm" is the end of "input_layernorm" as well.
    assert len(one.saved) == 2 + 1 + 4
    assert {"lm_head.weight", "model.norm.weight", "model.embed_tokens.weight"} < set(one.saved)
    assert one.layout("model.embed_tokens").embedding
    source = AdaptedSource(Checkpoint(base), one)
    merged = peft.PeftModel.from_pretrained(load(base), one.path).merge_and_unload().state_dict()
    for name in source.names:
        assert torch.allclose(source.tensor(name), merged[name], atol=1e-5)


def test_full_tensors_and_embeddings_survive_a_merge(
    base: Path, tmp_path: Path, bred: Make
) -> None:
    options = {"target_modules": ["embed_tokens", "o_proj"], "modules_to_save": ["lm_head"]}
    parents = [saved(base, tmp_path / str(n), n, r=n + 1, lora_alpha=3, **options) for n in (0, 1)]
    child = bred("lora_cat", *parents)
    expected = {
        name: update / 2 for name, update in updates(base, *(one.path for one in parents)).items()
    }
    assert torch.allclose(logits(base, child.path), logits_with(base, expected), atol=1e-4)


def test_peft_loads_what_was_extracted(base: Path, tmp_path: Path) -> None:
    model = load(base)
    generator = torch.Generator().manual_seed(4)
    for values in model.parameters():
        values.data += torch.randn(values.shape, generator=generator) * 0.2
    model.save_pretrained(tmp_path / "model")
    extract_adapter(
        Checkpoint(base), Checkpoint(tmp_path / "model"), tmp_path / "a", 99, save_modules=True
    )
    expected = logits(tmp_path / "model")
    assert torch.allclose(logits(base, tmp_path / "a"), expected, atol=1e-4)
