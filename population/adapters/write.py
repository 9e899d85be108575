"""Writes an adapter's folder so that the PEFT library and engines can load it."""

import json
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speciate.errors import BreedError, ConfigError
from speciate.population.adapters.adapter import PREFIX, WEIGHTS, adapter_digest
from speciate.population.adapters.config import CONFIG, AdapterConfig
from speciate.population.adapters.factors import Factors
from speciate.population.frame import OUTPUT_DTYPES
from speciate.population.safetensors_reader import SINGLE
from speciate.population.safetensors_writer import Spec, Writer, new_folder


def write_adapter(
    out: Path,
    config: AdapterConfig,
    factors: Iterable[tuple[str, Factors]],
    *,
    embeddings: Collection[str] = (),
    saved: Mapping[str, Tensor] | None = None,
    dtype: torch.dtype = torch.float32,
) -> str:
    """Writes a complete adapter, whose scale is 1: that of the factors is folded into B.

    Args:
        out: The new folder; it appears complete or not at all.
        config: Says the base, the task and the orientation; ranks and scales come from `factors`.
        factors: Module and factors, in any order.
        embeddings: Which of the modules are embeddings.
        saved: Tensors of the base to store in full.
        dtype: Stored type of all tensors.

    Returns:
        The digest, equal to that of `Adapter(out)`.

    Raises:
        UsageError: `out` exists already.
        DiskError: The disk has no room or cannot be written.
        BreedError: Nothing is adapted, or a result is not finite in that type.
    """
    tensors, ranks = _named(factors, embeddings, dtype)
    full = {_full_key(name, ranks): tensor for name, tensor in (saved or {}).items()}
    if not tensors:
        raise BreedError(f"{out}: no module is adapted, so there is nothing to write")
    tensors |= {key: tensor.to(dtype) for key, tensor in full.items()}
    specs = [Spec(key, tensor.dtype, tuple(tensor.shape)) for key, tensor in tensors.items()]
    with new_folder(out, sum(spec.nbytes for spec in specs)) as folder:
        text = json.dumps(_fields(config, ranks, saved or {}), indent=2, sort_keys=True) + "\n"
        (folder / CONFIG).write_text(text, encoding="utf-8")
        with Writer(folder, specs, sys.maxsize) as writer:
            for key in sorted(tensors):
                writer.write(key, tensors[key])
            weights = writer.digest()
        (folder / SINGLE).rename(folder / WEIGHTS)
    return adapter_digest(weights, dict.fromkeys(sorted(ranks), 1.0), config.fan_in_fan_out)


def output_dtype(name: str | None, default: torch.dtype) -> torch.dtype:
    """The type of this name, or the default.

    Raises:
        ConfigError: It is none of float32, bfloat16 and float16.
    """
    if name is None:
        return default
    if name not in OUTPUT_DTYPES:
        raise ConfigError(f"dtype: '{name}' is not one of {', '.join(OUTPUT_DTYPES)}")
    dtype: torch.dtype = OUTPUT_DTYPES[name]
    return dtype


def _named(
    factors: Iterable[tuple[str, Factors]], embeddings: Collection[str], dtype: torch.dtype
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Tensors by their key, cast as they come, and the ranks of the modules."""
    tensors, ranks = {}, {}
    for module, one in factors:
        key = f"{PREFIX}{module}.lora_"
        a, b = ("embedding_A", "embedding_B") if module in embeddings else ("A.weight", "B.weight")
        tensors[key + a] = one.a.to(dtype)
        tensors[key + b] = one.scaled_b.to(dtype)
        ranks[module] = one.rank
    return tensors, ranks


def _full_key(name: str, adapted: Collection[str]) -> str:
    """PEFT keeps the weight of a module that is adapted as well under `base_layer`."""
    module, _, leaf = name.rpartition(".")
    return f"{PREFIX}{module}.base_layer.{leaf}" if module in adapted else f"{PREFIX}{name}"


def _fields(
    config: AdapterConfig, ranks: Mapping[str, int], saved: Iterable[str]
) -> dict[str, Any]:
    # Engines size their buffers by r, and those that know no patterns take alpha / r as the scale.
    largest = max(ranks.values())
    # PEFT reads keys as expressions that may match the end of a name; `^` makes them exact.
    pattern = {f"^{re.escape(m)}": r for m, r in sorted(ranks.items()) if r != largest}
    modules = sorted({name.rpartition(".")[0] for name in saved} - set(ranks))
    return {
        "peft_type": "LORA",
        "base_model_name_or_path": config.base_model_name_or_path,
        "task_type": config.task_type,
        "r": largest,
        "lora_alpha": largest,
        "rank_pattern": pattern,
        "alpha_pattern": pattern,
        "target_modules": sorted(ranks),
        "modules_to_save": modules or None,
        "fan_in_fan_out": config.fan_in_fan_out,
        "bias": "none",
        "lora_dropout": 0.0,
        "use_rslora": False,
        "use_dora": False,
        "init_lora_weights": True,
        "inference_mode": True,
    }
