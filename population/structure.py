"""What part of a transformer a tensor belongs to, told from its name."""

import re

from speciate.configs.operators import ByModule

# Tried in order, on the parts of a dotted name: the names that Hugging Face models use.
_KINDS = (
    ("head", re.compile(r"(^|\.)(lm_head|embed_out|output_projection)(\.|$)")),
    ("norm", re.compile(r"norm|(^|\.)ln_|layernorm", re.IGNORECASE)),
    ("embedding", re.compile(r"embed|(^|\.)(wte|wpe)(\.|$)", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention", re.IGNORECASE)),
    ("mlp", re.compile(r"mlp|ffn|feed_forward|experts|block_sparse_moe", re.IGNORECASE)),
)


def module_kind(name: str) -> str:
    """One of the fields of `ByModule`: embedding, attention, mlp, norm, head or other.

    A head tied to the embedding is stored, and so counts, as the embedding.
    """
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), "other")


def for_module(value: float | ByModule, name: str) -> float:
    """The number that a parameter has for the tensor of this name."""
    if isinstance(value, ByModule):
        return float(getattr(value, module_kind(name)))
    return value
