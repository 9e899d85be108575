"""Makes an adapter of what fine-tuning did to a base: a truncated SVD of each weight's change."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.adapters.apply import Model
from speciate.population.adapters.config import AdapterConfig
from speciate.population.adapters.factors import Factors, truncated_matrix
from speciate.population.adapters.write import output_dtype, write_adapter
from speciate.population.operators.stages import dot
from speciate.population.randomness import stream
from speciate.population.structure import module_kind
from speciate.population.threads import one_thread

_LINEAR = frozenset({"attention", "mlp", "head", "other"})


class Change(NamedTuple):
    """How far a tensor is from the base's."""

    name: str
    norm: float


@dataclass(frozen=True)
class Extraction:
    """What came of it.

    Attributes:
        digest: Of the adapter.
        lost: Of each adapted module, the share of its change's norm that the rank cuts off: 0..1.
        left_out: Tensors that changed and are not in the adapter.
    """

    digest: str
    lost: dict[str, float]
    left_out: tuple[Change, ...]


def extract_adapter(
    base: Model,
    model: Model,
    out: Path,
    rank: int,
    *,
    targets: Collection[str] | None = None,
    save_modules: bool = False,
    fan_in_fan_out: bool = False,
    base_name: str | None = None,
    task_type: str | None = "CAUSAL_LM",
    seed: int = 0,
    dtype: str | None = None,
) -> Extraction:
    """Writes the adapter of a rank that is closest to `model` on `base`, one matrix at a time.

    Matrices whose shorter side has more than 1024 elements get a randomised SVD, seeded by their
    name, smaller ones an exact one. Where little changed, the rank is cut to what is needed.

    Args:
        base: Where the adapter will be put on.
        model: Of the same tensors.
        out: The new folder; it appears complete or not at all.
        rank: At most, of each module.
        targets: Last parts of the names of the modules to adapt ("q_proj"); all linear layers,
            the head among them, if not given.
        save_modules: Keep in full what changed elsewhere: norms and embeddings. Biases of adapted
            modules, and an embedding that is the head too, cannot be kept.
        fan_in_fan_out: Whether linear layers store (in, out), as those of GPT-2 do.
        base_name: Name of the base, for the PEFT library; a folder's path is not recorded.
        task_type: For the PEFT library.
        seed: Of the randomised SVD.
        dtype: float32 (default), bfloat16 or float16.

    Returns:
        The digest and what was lost.

    Raises:
        UsageError: `out` exists already, or `dtype` is another.
        ModelError: The models have other tensors or shapes, or values that are not finite.
        DiskError: The disk has no room or cannot be written.
        BreedError: No linear layer changed.
    """
    stored = output_dtype(dtype, torch.float32)
    _check_same(base, model)
    chosen = [name for name in base.names if _is_target(base, name, targets)]
    targeted = ((name, _change(base, model, name)) for name in chosen)
    oriented = ((name, change.T if fan_in_fan_out else change) for name, change in targeted)
    lost: dict[str, float] = {}
    others = [name for name in base.names if name not in chosen]
    changed = list(_changes(base, model, others))
    keep = {one.name for one in changed if save_modules and _can_keep(base, one.name, chosen)}
    config = AdapterConfig(
        base_model_name_or_path=base_name,
        task_type=task_type,
        fan_in_fan_out=fan_in_fan_out,
    )
    saved = {name: model.tensor(name) for name in sorted(keep)}
    with one_thread():
        digest = write_adapter(
            out, config, _truncated(oriented, rank, seed, lost), saved=saved, dtype=stored
        )
    return Extraction(digest, lost, tuple(one for one in changed if one.name not in keep))


def _truncated(
    changes: Iterable[tuple[str, Tensor]], rank: int, seed: int, lost: dict[str, float]
) -> Iterator[tuple[str, Factors]]:
    """The factors of each weight that changed; notes in `lost` what they miss."""
    for name, change in changes:
        if change.any():
            module, whole = name.removesuffix(".weight"), change.contiguous()
            found = truncated_matrix(whole, rank, stream(seed, "extract", module))
            lost[module] = _share(whole - found.delta(), whole)
            yield module, found


def _check_same(base: Model, model: Model) -> None:
    ours, theirs = set(base.names), set(model.names)
    problems = [f"lacks {name}" for name in sorted(ours - theirs)]
    problems += [f"has extra {name}" for name in sorted(theirs - ours)]
    problems += [
        f"{name} has shape {list(model.shape(name))}, not {list(base.shape(name))}"
        for name in sorted(ours & theirs)
        if base.shape(name) != model.shape(name)
    ]
    if problems:
        raise ModelError(
            f"{model.label} does not fit {base.label}: {'; '.join(problems)}; "
            "give the base that it was made from"
        )


def _is_target(base: Model, name: str, targets: Collection[str] | None) -> bool:
    module = name.removesuffix(".weight")
    if module == name or len(base.shape(name)) != 2 or not base.dtype(name).is_floating_point:
        return False
    if targets is None:
        return module_kind(name) in _LINEAR
    return module.rpartition(".")[2] in targets


def _change(base: Model, model: Model, name: str) -> Tensor:
    change = model.tensor(name).float() - base.tensor(name).float()
    if not bool(change.isfinite().all()):
        raise ModelError(
            f"{model.label}: tensor {name}, or the base's, has NaN or infinite values; "
            "do not breed from this model"
        )
    return change


def _changes(base: Model, model: Model, names: Sequence[str]) -> Iterator[Change]:
    """The tensors that differ at all, largest change first."""
    found = [
        Change(name, dot(change, change) ** 0.5)
        for name in names
        if base.dtype(name).is_floating_point
        for change in [_change(base, model, name)]
        if change.any()
    ]
    return iter(sorted(found, key=lambda one: (-one.norm, one.name)))


def _can_keep(base: Model, name: str, adapted: Collection[str]) -> bool:
    module, _, leaf = name.rpartition(".")
    tied = bool(base.config.get("tie_word_embeddings")) and module_kind(name) == "embedding"
    # PEFT keeps whole modules: one that is adapted cannot be kept too.
    return leaf in ("weight", "bias") and not tied and f"{module}.weight" not in adapted


def _share(rest: Tensor, whole: Tensor) -> float:
    return float((dot(rest, rest) / dot(whole, whole)) ** 0.5)
