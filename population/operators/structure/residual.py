"""What a transformer block writes to the residual stream, and how to scale it."""

import re
from typing import Any

from speciate.errors import ModelError
from speciate.population.operators.operator import Model

# The last projection of attention and of the MLP, as Hugging Face models call it.
_WRITERS = re.compile(
    r"\.(o_proj|out_proj|c_proj|down_proj|fc2|dense_4h_to_h|w2|attention\.dense)\."
)
# Norms between those projections and the residual stream: they would undo any factor before them.
_AFTER = re.compile(r"\.(post_attention_layernorm|post_feedforward_layernorm)\.")


def written_times(factor: float, model: Model) -> dict[str, Any]:
    """Parameters of `passthrough` that multiply all that a block adds to the residual stream.

    Raises:
        ModelError: It cannot be told what the model's blocks write.
    """
    if factor == 1:
        return {}
    norms_after = any("post_feedforward_layernorm" in name for name in model.names)
    if norms_after and str(model.config.get("model_type", "")).startswith("gemma"):
        raise ModelError(
            f"{model.label}: its norms add 1 to their weights, so that what its blocks write "
            "cannot be scaled; leave the scales out"
        )
    if factor != 0 and norms_after and not any(".input_layernorm." in n for n in model.names):
        raise ModelError(
            f"{model.label}: its blocks read the hidden state without a norm before them, so that "
            "a scale of it cannot be folded into the weights; leave the scales out"
        )
    pattern = _AFTER if norms_after else _WRITERS
    found = {match[1] for name in model.names if (match := pattern.search(name))}
    if not found:
        raise ModelError(
            f"{model.label}: no projection to the residual stream that we know of; "
            "leave the scales out"
        )
    rules: list[dict[str, Any]] = [{"name": f".{leaf}.", "value": factor} for leaf in sorted(found)]
    return {"scale": [*rules, {"value": 1.0}]}
