"""What config.json says of how a model computes, in one spelling, so that models can be compared.

Most of it no tensor contradicts: models of equal shapes may still differ in their rotary embedding,
their windows, or how many experts a token goes to.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_BY_DEPTH = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "layer_types",
    "max_window_layers",
    "mlp_only_layers",
    "no_rope_layers",
)
_TIED = "tie_word_embeddings"
_COMPARED = (
    "architectures",
    "model_type",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "n_embd",
    "n_head",
    _TIED,
    # Activations, norms and attention.
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "rms_norm_eps",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "norm_eps",
    "attention_bias",
    "mlp_bias",
    "use_qk_norm",
    "qk_layernorm",
    "position_embedding_type",
    "alibi",
    "parallel_attn",
    "use_parallel_residual",
    "use_sliding_window",
    "sliding_window",
    "sliding_window_pattern",
    "attention_chunk_size",
    "no_rope_layer_interval",
    # Scales.
    "query_pre_attn_scalar",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "embedding_multiplier",
    "attention_multiplier",
    "residual_multiplier",
    "logits_scaling",
    "logit_scale",
    "scale_emb",
    "scale_depth",
    "dim_model_base",
    # Experts.
    "num_experts",
    "n_routed_experts",
    "n_shared_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "shared_expert_intermediate_size",
    "norm_topk_prob",
    "decoder_sparse_step",
    "first_k_dense_replace",
    "routed_scaling_factor",
    "scoring_func",
    "topk_method",
    "topk_group",
    "n_group",
)
_SAME = {"num_local_experts": "num_experts"}
# Here `null` switches something off; elsewhere it leaves the choice to the library.
_OFF = ("sliding_window", "attn_logit_softcapping", "final_logit_softcapping")
_ROTARY = ("rope_theta", "partial_rotary_factor", "original_max_position_embeddings")
_SAME_ROTARY = {"mrope": "default", "su": "longrope"}
_LONGEST = 60


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of the language model: those of `text_config` go before those around it."""
    text = config.get("text_config")
    flat = {**config, **text} if isinstance(text, Mapping) else dict(config)
    # What a model is, and whether it ties, is read from the outside.
    outside = ("architectures", "model_type", _TIED)
    return flat | {key: config[key] for key in outside if config.get(key) is not None}


def tied(config: Mapping[str, Any]) -> bool | None:
    """Whether head and embedding are one tensor; None if the file leaves it to the library."""
    flag = settings_of(config).get(_TIED)
    return None if flag is None else bool(flag)


def vocabulary_size(config: Mapping[str, Any]) -> int | None:
    """How many rows the embedding has, padding included; None if the file does not say."""
    size = settings_of(config).get("vocab_size")
    return size if isinstance(size, int) else None


def differences(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    same_depth: bool = True,
    same_vocabulary: bool = True,
) -> Iterator[str]:
    """Each setting in which two files contradict each other.

    A key that one file leaves out has its default there, and contradicts nothing.

    Args:
        ours: Content of the first model's config.json.
        theirs: Content of another's.
        same_depth: Whether settings about the number of blocks are compared.
        same_vocabulary: Whether the number of tokens is compared.
    """
    one, two = _compared(ours), _compared(theirs)
    for key in one:
        left_out = (key in _BY_DEPTH and not same_depth) or (
            key == "vocab_size" and not same_vocabulary
        )
        if key in two and one[key] != two[key] and not left_out:
            yield _told(key, one[key], two[key])


def _told(key: str, ours: Any, theirs: Any) -> str:  # noqa: ANN401
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        places = [n for n, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
        if len(ours) > 1:
            first = f"{key}[{places[0]}] is {_shown(theirs[places[0]])}, not "
            more = f" ({len(places) - 1} more differ)" if len(places) > 1 else ""
            return first + _shown(ours[places[0]]) + more
    remedy = " (tie or untie all of them, and save again)" if key == _TIED else ""
    return f"{key} is {_shown(theirs)}, not {_shown(ours)}{remedy}"


def _shown(value: Any) -> str:  # noqa: ANN401
    text = str(value) if str(value).isprintable() else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared of a file, in the order of the message."""
    settings = settings_of(config)
    for old, new in _SAME.items():
        if settings.get(old) is not None:
            settings[new] = settings[old]
    if settings.get("use_sliding_window") is False:
        # Then some versions of the library write the window nevertheless, and others null.
        settings = {**settings, "sliding_window": None, "max_window_layers": None}
        off = tuple(key for key in _OFF if key != "sliding_window")
    else:
        off = _OFF
    found = {
        key: settings[key]
        for key in (*_COMPARED, *_BY_DEPTH)
        if key in settings and (settings[key] is not None or key in off)
    }
    return found | _rotary(settings)


def _rotary(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary embedding, for each type of layer, whichever way it is written."""
    new, old = settings.get("rope_parameters"), settings.get("rope_scaling")
    own = dict(new) if isinstance(new, Mapping) else {}
    scaling = dict(old) if isinstance(old, Mapping) else {}
    general = {key: settings[key] for key in _ROTARY if settings.get(key) is not None}
    if own and all(isinstance(one, Mapping) for one in own.values()):
        layers = {str(layer): {**general, **one} for layer, one in own.items()}
    else:
        layers = {"full_attention": {**general, **scaling, **own}}
        if settings.get("rope_local_base_freq") is not None:
            layers["sliding_attention"] = {"rope_theta": settings["rope_local_base_freq"]}
    return {
        _rotary_name(layer, key): value
        for layer, one in layers.items()
        for key, value in _spelled(one).items()
    }


def _spelled(rotary: Mapping[str, Any]) -> dict[str, Any]:
    kind = rotary.get("rope_type") or rotary.get("type") or "default"
    kind = _SAME_ROTARY.get(str(kind), kind)
    rest = {k: v for k, v in rotary.items() if v is not None and k not in ("type", "rope_type")}
    return {"rope_type": kind, **rest}


def _rotary_name(layer: str, key: str) -> str:
    plain = key in ("rope_type", *_ROTARY)
    name = key if plain else f"rope_parameters.{key}"
    return name if layer == "full_attention" else f"{layer}.{name}"
