"""What adapter_config.json says of a LoRA adapter, and what of it we cannot merge."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from speciate.configs.adapter import CONFIG as CONFIG
from speciate.configs.adapter import AdapterConfig as AdapterConfig
from speciate.configs.load import explain
from speciate.errors import ModelError
from speciate.population.weights import read_json

# Options that make an update something else than s B A on a base that stays as it is.
_UNSUPPORTED = {
    "use_dora": "DoRA's magnitudes are not a product of factors",
    "use_qalora": "QALoRA pools the inputs",
    "use_bdlora": "its factors are block-diagonal",
    "lora_bias": "the factor B has a bias",
    "layer_replication": "it repeats layers of the base",
    "target_parameters": "it adapts parameters that are not modules",
    "trainable_token_indices": "it trains single rows of the embedding",
    "alora_invocation_tokens": "it acts on a part of the prompt only",
    "arrow_config": "it routes between adapters",
    "kasa_config": "it changes the base",
    "velora_config": "its updates are not a product of factors",
    "monteclora_config": "its factors are random",
}
# These take the first factors out of the base, so that the adapter fits no other.
_CHANGES_BASE = ("pissa", "olora", "corda", "lora_ga", "loftq")


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no model."""
    return (folder / CONFIG).exists() and not (folder / "config.json").exists()


def read_config(folder: Path) -> AdapterConfig:
    """The config of an adapter's folder.

    Raises:
        ModelError: It is missing or damaged, or describes another kind of adapter than LoRA.
    """
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder}: no {CONFIG}; give the folder of a PEFT adapter")
    fields = read_json(folder, CONFIG)
    _check_supported(folder, fields)
    try:
        config = AdapterConfig.model_validate(fields)
        for key in (*(config.rank_pattern or ()), *(config.alpha_pattern or ())):
            re.compile(key)
    except ValidationError as exc:
        raise ModelError(f"{folder}: {CONFIG}: {explain(exc)}; save the adapter again") from exc
    except re.error as exc:
        raise ModelError(
            f"{folder}: {CONFIG}: a pattern is no regular expression ({exc}); correct it"
        ) from exc
    return config


def _check_supported(folder: Path, fields: Mapping[str, Any]) -> None:
    kind = fields.get("peft_type")
    if kind != "LORA":
        raise ModelError(f"{folder}: peft_type is {kind!r}; only LORA adapters can be merged")
    for key, reason in _UNSUPPORTED.items():
        if fields.get(key):
            raise ModelError(f"{folder}: {key} is set: {reason}; merge the adapter into its base")
    if fields.get("bias", "none") != "none":
        raise ModelError(
            f"{folder}: bias is {fields['bias']!r}: it changes biases of the base; "
            "merge the adapter into its base"
        )
    start = str(fields.get("init_lora_weights", "")).lower()
    if start.startswith(_CHANGES_BASE):
        raise ModelError(
            f"{folder}: init_lora_weights is {start!r}: the adapter fits a changed base; save it "
            "with path_initial_model_for_weight_conversion, or merge it into its base"
        )
