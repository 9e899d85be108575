"""Compatibility of models: all differences are listed, before any weights are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.compatibility import check_compatible, superfluous
from speciate.population.weights import Checkpoint

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]
NAMES = ("embed", "norm", "proj", "steps", "used")


def differences(**paths: Path) -> str:
    """What the message lists, between the first model's name and the remedy."""
    with pytest.raises(ModelError) as caught:
        check_compatible({label: Checkpoint(path) for label, path in paths.items()})
    listed = str(caught.value).removeprefix("models do not fit the first one, a: ")
    return listed.removesuffix("; merge only models of one architecture and one vocabulary")


def test_equal_models_are_compatible(folder: Folder, random_weights: Random) -> None:
    paths = [folder(str(n), random_weights(n), shards=[NAMES] * (n == 1)) for n in range(3)]
    check_compatible({path.name: Checkpoint(path) for path in paths})


def test_differences_of_config_are_listed(folder: Folder, random_weights: Random) -> None:
    a = folder("a", random_weights(0))
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 5}
    assert differences(a=a, b=folder("b", random_weights(1), **config)) == (
        "b: architectures is ['GPT2LMHeadModel'], not ['LlamaForCausalLM'], "
        "model_type is gpt2, not llama, vocab_size is 5, not 4"
    )


def test_differences_of_weights_are_listed(folder: Folder, random_weights: Random) -> None:
    weights = random_weights(1)
    weights["extra"] = weights.pop("norm")
    weights["proj"] = weights["proj"][:5].contiguous()
    weights["steps"] = weights["steps"].float()
    message = differences(
        a=folder("a", random_weights(0)),
        b=folder("b", weights, vocabulary={"a": 0, "b": 2, "c": 1, "d": 3}),
    )
    assert message == (
        "b: lacks norm, has extra extra, proj has shape [5, 6], not [6, 6], "
        "steps is torch.float32, not torch.int64, token 'b' is 2, not 1 (1 more differ)"
    )


def test_all_is_told_and_grouped(folder: Folder) -> None:
    one = {f"t{n}": torch.zeros(2) for n in range(14)}
    two = {name: torch.zeros(3) for name in one}
    a, b, c = folder("a", one), folder("b", two), folder("c", two)
    shapes = "14 tensors have other shapes, such as t0 [3], not [2]"
    assert differences(a=a, b=b) == f"b: {shapes}"
    assert differences(a=a, b=b, c=c) == f"b, c: {shapes}"
    d = folder("d", {"t0": torch.zeros(1).int()}, rms_norm_eps=1e-5)
    assert differences(a=a, b=b, d=d) == (
        f"b: {shapes}; d: lacks t1, t10, t11 and 10 more, t0 has shape [1], not [2]"
    )
    whole = {name: tensor.int() for name, tensor in one.items()}
    said = differences(a=a, e=folder("e", whole))
    assert said == "e: 14 tensors are of other types, such as t0 torch.int32, not torch.float32"


HYBRID = ["full_attention", "sliding_attention"] * 3
CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"hidden_act": "silu"}, {"hidden_act": "gelu"}, "hidden_act is gelu, not silu"),
    ({"num_experts": 4}, {"num_local_experts": 8}, "num_experts is 8, not 4"),
    ({"norm_topk_prob": True}, {"norm_topk_prob": False}, "norm_topk_prob is False, not True"),
    ({"sliding_window": 64}, {"sliding_window": None}, "sliding_window is None, not 64"),
    (
        {"final_logit_softcapping": 30.0},
        {"final_logit_softcapping": None},
        "final_logit_softcapping is None, not 30.0",
    ),
    (
        {"layer_types": HYBRID},
        {"layer_types": HYBRID[::-1]},
        "layer_types[0] is sliding_attention, not full_attention (5 more differ)",
    ),
    (
        {"text_config": {"query_pre_attn_scalar": 256}},
        {"text_config": {"query_pre_attn_scalar": 128}},
        "query_pre_attn_scalar is 128, not 256",
    ),
    ({"rope_theta": 1e4}, {"rope_parameters": {"rope_theta": 5e5}}, "rope_theta is 500000.0, not"),
    (
        {"rope_theta": 1e4},
        {"rope_theta": 1e4, "rope_scaling": {"type": "yarn", "factor": 4.0}},
        "rope_type is yarn, not default",
    ),
    (
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0}},
        "rope_parameters.factor is 4.0, not 2.0",
    ),
    (
        {"rope_theta": 1e6, "rope_local_base_freq": 1e4},
        {"rope_parameters": {"sliding_attention": {"rope_theta": 1e3}}},
        "sliding_attention.rope_theta is 1000.0, not 10000.0",
    ),
    ({"hidden_act": "a" * 99}, {"hidden_act": "\n"}, "hidden_act is '\\n', not aaaaaa"),
]


@pytest.mark.parametrize(("ours", "theirs", "said"), CONTRADICTIONS)
def test_what_no_tensor_contradicts(
    ours: dict[str, Any], theirs: dict[str, Any], said: str, folder: Folder, random_weights: Random
) -> None:
    a, b = folder("a", random_weights(0), **ours), folder("b", random_weights(0), **theirs)
    message = differences(a=a, b=b)
    assert message.startswith(f"b: {said}")
    assert message.count(" is ") == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"rope_theta": 10000, "rope_scaling": None}, {"rope_parameters": {"rope_theta": 1e4}}),
        (
            {"rope_scaling": {"type": "su", "factor": 2}, "partial_rotary_factor": 0.5},
            {"rope_parameters": {"rope_type": "longrope", "partial_rotary_factor": 0.5}},
        ),
        (
            {"rope_theta": 1e6, "rope_local_base_freq": 1e4},
            {
                "rope_parameters": {
                    "full_attention": {"rope_type": "default", "rope_theta": 1e6},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
                }
            },
        ),
        ({"hidden_size": 8}, {"text_config": {"hidden_size": 8}}),
        ({"num_experts": 8}, {"num_local_experts": 8}),
        ({"head_dim": None}, {"head_dim": 128}),
        ({"sliding_window": 64}, {}),
        (
            {"use_sliding_window": False, "sliding_window": 64, "max_window_layers": 2},
            {"use_sliding_window": False, "sliding_window": None, "max_window_layers": 3},
        ),
        ({"text_config": 5, "rope_parameters": "x"}, {"text_config": [], "rope_scaling": [1]}),
    ],
)
def test_two_spellings_of_one_thing(
    ours: dict[str, Any], theirs: dict[str, Any], folder: Folder, random_weights: Random
) -> None:
    paths = folder("a", random_weights(0), **ours), folder("b", random_weights(0), **theirs)
    check_compatible({path.name: Checkpoint(path) for path in paths})
    check_compatible({path.name: Checkpoint(path) for path in reversed(paths)})


def test_other_depths(folder: Folder) -> None:
    def block(number: int, size: int = 2) -> dict[str, Tensor]:
        return {f"model.layers.{number}.mlp.up_proj.weight": torch.zeros(size, 2)}

    settings: dict[str, Any] = {"num_hidden_layers": 1, "layer_types": ["full_attention"]}
    deep = {"num_hidden_layers": 2, "layer_types": ["full_attention"] * 2}
    a = folder("a", block(0), **settings)
    b = folder("b", block(0) | block(1), **deep)
    assert "num_hidden_layers is 2, not 1" in differences(a=a, b=b)
    check_compatible({"a": Checkpoint(a), "b": Checkpoint(b)}, same_depth=False)
    c = folder("c", block(0, 3) | {"model.norm.weight": torch.zeros(2)}, **deep)
    with pytest.raises(ModelError, match=r"c: has extra model\.norm.* has shape \[3, 2\]"):
        check_compatible({"a": Checkpoint(a), "c": Checkpoint(c)}, same_depth=False)


def test_tied_and_untied_do_not_mix(folder: Folder, random_weights: Random) -> None:
    tied = folder("a", random_weights(0), tie_word_embeddings=True)
    untied = folder("b", random_weights(0), tie_word_embeddings=False)
    said = differences(a=tied, b=untied)
    assert said == (
        "b: tie_word_embeddings is False, not True (tie or untie all of them, and save again)"
    )
    silent = folder("c", random_weights(0))
    check_compatible({"a": Checkpoint(tied), "c": Checkpoint(silent)})


def with_head(folder: Folder, name: str, head: Tensor | None, **config: Any) -> Checkpoint:
    weights = {"model.embed_tokens.weight": torch.ones(4, 2)}
    return Checkpoint(
        folder(name, weights if head is None else weights | {"lm_head.weight": head}, **config)
    )


def test_a_copy_of_a_tied_embedding_is_superfluous(folder: Folder) -> None:
    head = {"lm_head.weight"}
    plain = with_head(folder, "a", None, tie_word_embeddings=True)
    copied = with_head(folder, "b", torch.ones(4, 2), tie_word_embeddings=True)
    silent = with_head(folder, "c", torch.ones(4, 2))
    for models in ([plain, copied], [copied, plain], [copied], [plain, silent], [copied, silent]):
        assert superfluous(models) == head
        check_compatible({model.label: model for model in models})
    assert superfluous([silent]) == frozenset()
    untied = with_head(folder, "d", torch.ones(4, 2), tie_word_embeddings=False)
    assert superfluous([untied, silent]) == frozenset()


def test_a_tied_head_that_is_no_copy_is_refused(folder: Folder) -> None:
    plain = with_head(folder, "a", None, tie_word_embeddings=True)
    trained = with_head(folder, "b", torch.zeros(4, 2), tie_word_embeddings=True)
    said = differences(a=plain.path, b=trained.path)
    assert said.startswith("b: lm_head.weight is not the embedding, though tie_word_embeddings")
    other = with_head(folder, "c", torch.ones(4, 3))
    assert "c: lm_head.weight is not the embedding" in differences(a=plain.path, c=other.path)


def test_quantised_models_are_refused(folder: Folder, random_weights: Random) -> None:
    path = folder("a", random_weights(0), quantization_config={"bits": 4})
    assert "quantised weights cannot be averaged" in differences(a=path)


def test_vocabulary_counts_ids_not_files(folder: Folder, random_weights: Random) -> None:
    one, two = (Checkpoint(folder(name, random_weights(0))) for name in "ab")
    pieces = {"model": {"vocab": [["a", -1.0], ["b", -2.0], ["c", -3.0]]}}
    pieces["added_tokens"] = [{"id": 3, "content": "d"}]  # type: ignore[assignment]
    (two.path / "tokenizer.json").write_text(json.dumps(pieces))
    check_compatible({"a": one, "b": two})
    (two.path / "tokenizer.json").unlink()
    check_compatible({"a": one, "b": two})
    (two.path / "tokenizer.json").write_text('{"model": {}}')
    with pytest.raises(ModelError, match=r"tokenizer\.json has no vocabulary"):
        check_compatible({"a": one, "b": two})
