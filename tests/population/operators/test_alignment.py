from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from speciate.errors import ConfigError
from speciate.population.operators.alignment.matching import match, match_groups

Apply = Callable[..., dict[str, Tensor]]
Model = dict[str, Tensor]

HEADS, GROUPS, SIZE, UNITS, HIDDEN = 8, 2, 4, 24, 32
SIZES = {
    "hidden_size": HIDDEN,
    "intermediate_size": UNITS,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": GROUPS,
    "head_dim": SIZE,
    "vocab_size": 40,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "tie_word_embeddings": False,
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def shuffled(size: int, seed: int) -> Tensor:
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed))


def equal(one: Model, two: Model) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


# The matching


@given(st.integers(0, 2**32), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_a_permutation_is_recovered(seed: int, count: int) -> None:
    a = [random(count, 5, seed=seed % 1000), random(count, seed=1 + seed % 1000)]
    order = shuffled(count, seed)
    b = [tensor[order] for tensor in a]
    found = match(a, b)
    assert all(torch.equal(two[found], one) for one, two in zip(a, b, strict=True))


def test_match_is_the_best_of_all_orders() -> None:
    a, b = random(5, 3), random(5, 3, seed=1)
    distances = [float((a - b[list(p)]).square().sum()) for p in permutations(range(5))]
    assert float((a - b[match([a], [b])]).square().sum()) == pytest.approx(min(distances))


def test_units_that_cannot_be_told_apart_stay() -> None:
    for tensor in (torch.ones(6, 3), torch.zeros(6, 3), torch.zeros(0, 3)):
        assert match([tensor], [tensor]).tolist() == list(range(len(tensor)))


def test_groups_are_matched_together_with_their_heads() -> None:
    heads, groups = random(6, 10), random(3, 10, seed=1)
    outer = [2, 0, 1]
    inner = [[1, 0], [0, 1], [1, 0]]
    order = [g * 2 + inner[g][i] for g in outer for i in range(2)]
    found = match_groups((heads @ heads[order].T).numpy(), (groups @ groups[outer].T).numpy())
    assert np.array_equal(np.array(order)[found[0]], np.arange(6))
    assert np.array_equal(np.array(outer)[found[1]], np.arange(3))


# One hidden layer


def test_one_hidden_layer_is_recovered(apply: Apply) -> None:
    one = {
        "fc1.weight": random(9, 4),
        "fc1.bias": random(9, seed=1),
        "fc2.weight": random(3, 9, seed=2),
        "fc2.bias": random(3, seed=3),
    }
    order = shuffled(9, 4)
    two = dict(one)
    two["fc1.weight"], two["fc1.bias"] = one["fc1.weight"][order], one["fc1.bias"][order]
    two["fc2.weight"] = one["fc2.weight"][:, order]
    for t in (0.0, 0.5, 1.0):
        assert equal(apply("rebasin", {"model": [one, two]}, t=t), one)


# Transformers


def architecture(name: str, **settings: Any) -> tuple[nn.Module, dict[str, Any]]:
    """A random model whose norms and biases are random too, and its config."""
    config = getattr(transformers, f"{name}Config")(**(SIZES | settings))
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn_like(parameter)
    return model, config.to_dict()


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "Llama": {"mlp_bias": True, "attention_bias": True},
    "Qwen2": {},
    "Qwen3": {},
    "Olmo2": {},
    "Phi3": {"pad_token_id": 0},
    "Gemma2": {},
    "Starcoder2": {},
}


def orders_of_a_block(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Units, rows of queries, rows of keys: whole groups move, and heads within them."""
    groups, each = shuffled(GROUPS, seed).flip(0), HEADS // GROUPS
    heads = torch.cat([g * each + shuffled(each, seed + int(g) + 1) for g in groups])
    return shuffled(UNITS, seed), heads, expanded(heads), expanded(groups)


def expanded(order: Tensor) -> Tensor:
    return (order[:, None] * SIZE + torch.arange(SIZE)).reshape(-1)


def permuted(model: Mapping[str, Tensor]) -> Model:
    """The same function with other orders of units and heads, written down name by name."""
    result = {name: tensor.clone() for name, tensor in model.items()}
    for name, tensor in model.items():
        if ".layers." not in name:
            continue
        units, _, queries, keys = orders_of_a_block(10 * int(name.split(".")[2]))
        if "gate_up_proj" in name:
            result[name] = tensor[torch.cat([units, units + UNITS])]
        elif any(leaf in name for leaf in ("gate_proj", "up_proj", "c_fc")):
            result[name] = tensor[units]
        elif "down_proj.weight" in name or "c_proj.weight" in name:
            result[name] = tensor[:, units]
        elif "qkv_proj" in name:
            width = len(queries)
            result[name] = tensor[torch.cat([queries, keys + width, keys + width + len(keys)])]
        elif "q_proj" in name or ("q_norm" in name and len(tensor) > SIZE):
            result[name] = tensor[queries]
        elif "k_proj" in name or "v_proj" in name or ("k_norm" in name and len(tensor) > SIZE):
            result[name] = tensor[keys]
        elif "o_proj.weight" in name:
            result[name] = tensor[:, queries]
    return result


def logits(model: nn.Module, weights: Mapping[str, Tensor]) -> Tensor:
    model.load_state_dict(dict(weights))
    with torch.no_grad():
        found: Tensor = model(torch.arange(20)[None] % 40, use_cache=False).logits
    return found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_permuted_transformer_is_recovered(apply: Apply, name: str) -> None:
    model, config = architecture(name, **ARCHITECTURES[name])
    original = {n: t.clone() for n, t in model.state_dict().items()}
    other = permuted(original)
    expected = logits(model, original)
    assert not equal(original, other)
    # The permutation of the test is one that the model does not notice.
    assert torch.allclose(logits(model, other), expected, atol=1e-3)
    aligned = apply("rebasin", {"model": [original, other]}, t=1.0, config=config)
    assert equal(aligned, original)
    assert torch.allclose(logits(model, aligned), expected, atol=1e-4)
    assert equal(apply("rebasin", {"model": [original, other]}, config=config), original)


def test_any_two_models_are_aligned_without_a_change_of_function(apply: Apply) -> None:
    """Also where nothing can be recovered, the second model stays what it is."""
    model, config = architecture("Llama")
    one = {n: t.clone() for n, t in model.state_dict().items()}
    two = {n: random(*t.shape, seed=k) * 0.3 for k, (n, t) in enumerate(one.items())}
    aligned = apply("rebasin", {"model": [one, two]}, t=1.0, config=config)
    assert not equal(aligned, two)
    assert torch.allclose(logits(model, aligned), logits(model, two), atol=1e-3)

    def distance(first: Model, second: Model) -> float:
        return sum(float((first[n] - second[n]).square().sum()) for n in first)

    assert distance(one, aligned) < distance(one, two)


def test_parts_can_be_left_as_they_are(apply: Apply) -> None:
    model, config = architecture("Llama")
    one = {n: t.clone() for n, t in model.state_dict().items()}
    two = permuted(one)
    for part, left in (("mlp", "mlp."), ("attention", "self_attn.")):
        child = apply("rebasin", {"model": [one, two]}, t=1.0, config=config, **{part: False})
        for name in one:
            assert torch.equal(child[name], two[name] if left in name else one[name])


def test_fine_tunes_of_one_base_stay_in_order(apply: Apply) -> None:
    model, config = architecture("Qwen2")
    base = model.state_dict()
    one, two = (
        {n: t + 0.05 * random(*t.shape, seed=100 * s + k) for k, (n, t) in enumerate(base.items())}
        for s in (1, 2)
    )
    assert equal(apply("rebasin", {"model": [one, two]}, t=1.0, config=config), two)
    plain = apply("linear", {"model": [one, two]})
    aligned = apply("rebasin", {"model": [one, two]}, config=config)
    assert all(torch.allclose(aligned[name], plain[name], atol=1e-6) for name in plain)


def test_number_of_jobs_does_not_matter(apply: Apply) -> None:
    model, config = architecture("Llama")
    one = model.state_dict()
    two = {n: random(*t.shape, seed=k) for k, (n, t) in enumerate(one.items())}
    roles = {"model": [one, two]}
    children = [apply("rebasin", roles, jobs=jobs, config=config) for jobs in (1, 3)]
    assert equal(*children)


# What is not understood


def moved_units(extra: Model) -> tuple[Model, Model]:
    one = {
        "l.0.mlp.up_proj.weight": random(9, 4),
        "l.0.mlp.down_proj.weight": random(4, 9, seed=1),
        "l.0.attn.q_proj.weight": random(8, 4, seed=2),
        "l.0.attn.k_proj.weight": random(8, 4, seed=3),
        "l.0.attn.v_proj.weight": random(8, 4, seed=4),
        "l.0.attn.o_proj.weight": random(4, 8, seed=5),
        **extra,
    }
    units, heads = torch.arange(9).flip(0), torch.tensor([4, 5, 6, 7, 0, 1, 2, 3])
    two = dict(one)
    for name, tensor in one.items():
        if name in extra:
            continue
        if "up_proj" in name:
            two[name] = tensor[units]
        elif "down_proj" in name:
            two[name] = tensor[:, units]
        elif "o_proj" in name:
            two[name] = tensor[:, heads]
        else:
            two[name] = tensor[heads]
    return one, two


TOY = {"num_attention_heads": 2, "hidden_size": 8}


@pytest.mark.parametrize(
    ("extra", "config", "mlp", "attention"),
    [
        ({}, TOY, True, True),
        ({}, {"text_config": TOY}, True, True),
        ({}, {}, True, False),
        ({}, TOY | {"alibi": True}, True, False),
        ({}, TOY | {"num_kv_shared_layers": 1}, True, False),
        ({}, TOY | {"num_attention_heads": [2, 2]}, True, False),
        ({}, TOY | {"head_dim": 2}, True, False),
        ({"l.0.attn.sinks": random(2)}, TOY, True, True),
        ({"l.0.attn.slopes": random(2)}, TOY, True, False),
        ({"l.0.attn.q_norm.norms.0.weight": random(4)}, TOY, True, False),
        ({"l.0.attn.q_norm.weight": random(4)}, TOY, True, True),
        ({"l.0.attn.k_norm.weight": random(3)}, TOY, True, False),
        ({"l.0.mlp.inner_norm.weight": random(9)}, TOY, False, True),
        ({"l.0.mlp.norm.weight": random(4)}, TOY, True, True),
        ({"l.0.mlp.up_proj.bias": random(3)}, TOY, False, True),
    ],
)
def test_what_is_not_understood_keeps_its_order(
    apply: Apply, extra: Model, config: dict[str, Any], mlp: bool, attention: bool
) -> None:
    one, two = moved_units(extra)
    if "l.0.attn.sinks" in extra:
        two["l.0.attn.sinks"] = one["l.0.attn.sinks"].flip(0)
    child = apply("rebasin", {"model": [one, two]}, t=1.0, config=config)
    for name in one:
        aligned = mlp if "mlp" in name else attention
        assert torch.equal(child[name], one[name] if aligned else two[name]), name


def test_another_tower_has_other_heads(apply: Apply) -> None:
    """Regression: the text's number of heads would cut those of an image encoder in two."""
    one, two = moved_units({})
    one, two = ({f"vision_tower.{n}": t for n, t in model.items()} for model in (one, two))
    child = apply("rebasin", {"model": [one, two]}, t=1.0, config=TOY)
    name = "vision_tower.l.0.attn.q_proj.weight"
    assert torch.equal(child[name], two[name])


@pytest.mark.parametrize("shape", [(3, 9, 4), (9, 4)])
def test_experts_are_refused(apply: Apply, shape: tuple[int, ...]) -> None:
    one, two = moved_units({"l.0.moe.experts.0.up_proj.weight": random(*shape)})
    with pytest.raises(ConfigError, match=r"l\.0\.moe\.experts\.0 has experts, .* set mlp = false"):
        apply("rebasin", {"model": [one, two]}, config=TOY)
    child = apply("rebasin", {"model": [one, two]}, t=1.0, mlp=False, config=TOY)
    assert torch.equal(child["l.0.attn.q_proj.weight"], one["l.0.attn.q_proj.weight"])


def test_a_model_with_nothing_to_align_is_refused(apply: Apply) -> None:
    with pytest.raises(ConfigError, match="finds no feed-forward network and no attention"):
        apply("rebasin", {"model": [{"x": torch.ones(3)}] * 2})
    child = apply("rebasin", {"model": [{"x": torch.ones(3)}] * 2}, mlp=False, attention=False)
    assert child["x"].tolist() == [1, 1, 1]
