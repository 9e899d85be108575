"""Reversible merging of adapters (RMM, 2025, arXiv 2510.14163).

For each row of B and each column of A, the N vectors of length r (one an adapter) become their
mean, p principal components and N x p coefficients. N - 1 components give every adapter back.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from speciate.configs.load import explain
from speciate.errors import ConfigError, ModelError
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.config import AdapterConfig
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.fit import check_fit
from speciate.population.adapters.write import write_adapter
from speciate.population.safetensors_reader import SINGLE
from speciate.population.safetensors_writer import Spec, Writer, new_folder
from speciate.population.threads import one_thread
from speciate.population.weights import read_json

PACK, VALUES = "pack.json", "pack.safetensors"


class Contents(BaseModel):
    """What pack.json says.

    Attributes:
        adapters: How many there are.
        modules: Numbers of the adapters that change each module.
        embeddings: Which modules are embeddings.
        config: What the adapters share.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapters: int = Field(ge=1)
    modules: dict[str, tuple[int, ...]]
    embeddings: tuple[str, ...] = ()
    config: AdapterConfig


def pack(adapters: Sequence[Adapter], out: Path, components: int) -> str:
    """Writes one folder from which each adapter can be had again.

    Args:
        adapters: Of equal rank, module by module; where one leaves a module as it is, its factors
            count as 0. Scales are folded into B.
        out: The new folder; it appears complete or not at all.
        components: p; 0 keeps the mean alone, N - 1 is exact but for rounding.

    Returns:
        The digest of the values.

    Raises:
        ConfigError: `components` is negative, or no adapter is given.
        UsageError: `out` exists already.
        ModelError: The adapters do not fit each other, hold tensors in full, or are not finite.
        DiskError: The disk has no room or cannot be written.
    """
    if components < 0 or not adapters:
        raise ConfigError(
            f"cannot pack {len(adapters)} adapters with {components} components; "
            "give at least one adapter and no negative number"
        )
    check_fit(adapters, equal_ranks=True)
    for one in adapters:
        if one.saved:
            raise ModelError(f"{one.label}: holds {one.saved[0]} in full; packs hold factors only")
    contents = _contents(adapters)
    with one_thread():
        tensors = {
            f"{name}.{part}.{kind}": value
            for name in contents.modules
            for part, stack in zip("AB", _stacks(adapters, name), strict=True)
            for kind, value in _components(stack, components).items()
        }
    specs = [Spec(key, value.dtype, tuple(value.shape)) for key, value in tensors.items()]
    with new_folder(out, sum(spec.nbytes for spec in specs)) as folder:
        (folder / PACK).write_text(contents.model_dump_json(indent=2) + "\n", encoding="utf-8")
        with Writer(folder, specs, sys.maxsize) as writer:
            for key in sorted(tensors):
                writer.write(key, tensors[key])
            digest: str = writer.digest()
        (folder / SINGLE).rename(folder / VALUES)
    return digest


def unpack(pack: Path, number: int, out: Path) -> str:
    """Writes the adapter of a number, from 0, again.

    Returns:
        The digest of the adapter.

    Raises:
        UsageError: `out` exists already.
        ConfigError: There is no adapter of this number.
        ModelError: The pack is missing or damaged.
        DiskError: The disk has no room or cannot be written.
    """
    contents = _read_contents(pack)
    if not 0 <= number < contents.adapters:
        raise ConfigError(f"{pack}: has the adapters 0 to {contents.adapters - 1}, not {number}")
    try:
        with safe_open(pack / VALUES, framework="pt") as file:
            factors = list(_unpacked(file, contents, number))
    except (SafetensorError, OSError) as exc:
        raise ModelError(f"{pack}: {VALUES} cannot be read ({exc}); pack it again") from exc
    return write_adapter(out, contents.config, factors, embeddings=contents.embeddings)


def _contents(adapters: Sequence[Adapter]) -> Contents:
    names = sorted({name for one in adapters for name in one.modules})
    owners = {
        name: tuple(n for n, one in enumerate(adapters) if name in one.modules) for name in names
    }
    embeddings = [n for n in names if adapters[owners[n][0]].layout(n).embedding]
    shared = adapters[0].config.model_copy(update={"rank_pattern": None, "alpha_pattern": None})
    return Contents(
        adapters=len(adapters), modules=owners, embeddings=tuple(embeddings), config=shared
    )


def _stacks(adapters: Sequence[Adapter], module: str) -> tuple[Tensor, Tensor]:
    """A' and s B of all adapters, (in, N, r) and (out, N, r); 0 where the module is left alone."""
    found = [one.factors(module) for one in adapters]
    like = next(one for one in found if one is not None)
    empty = Factors(torch.zeros_like(like.a), torch.zeros_like(like.b))
    filled = [one or empty for one in found]
    a = torch.stack([one.a.T for one in filled], dim=1)
    return a, torch.stack([one.scaled_b for one in filled], dim=1)


def _components(stack: Tensor, count: int) -> dict[str, Tensor]:
    """Mean (rows, r), basis (rows, p, r) and coefficients (rows, N, p) of (rows, N, r)."""
    values = stack.double()
    mean = values.mean(dim=1, keepdim=True)
    u, s, vt = torch.linalg.svd(values - mean, full_matrices=False)
    largest = vt.gather(2, vt.abs().argmax(dim=2, keepdim=True))
    signs = torch.where(largest < 0, -1.0, 1.0).double()
    kept = min(count, stack.shape[1] - 1, stack.shape[2])
    coefficients = (u * s[:, None, :] * signs.mT)[:, :, :kept]
    return {
        "mean": mean[:, 0].float().contiguous(),
        "basis": (vt * signs)[:, :kept].float().contiguous(),
        "coefficients": coefficients.float().contiguous(),
    }


def _unpacked(file: Any, contents: Contents, number: int) -> Iterator[tuple[str, Factors]]:  # noqa: ANN401
    for name, owners in contents.modules.items():
        if number in owners:
            a, b = (_restored(file, f"{name}.{part}", number) for part in "AB")
            yield name, Factors(a.T.contiguous(), b)


def _restored(file: Any, key: str, number: int) -> Tensor:  # noqa: ANN401
    mean, basis = file.get_tensor(f"{key}.mean"), file.get_tensor(f"{key}.basis")
    coefficients: Tensor = file.get_tensor(f"{key}.coefficients")[:, number]
    restored: Tensor = mean.clone()
    # Element-wise sums, so that the number of threads does not matter.
    for component in range(basis.shape[1]):
        restored += coefficients[:, component, None] * basis[:, component]
    return restored


def _read_contents(pack: Path) -> Contents:
    if not (pack / PACK).is_file():
        raise ModelError(f"{pack}: no {PACK}; give a folder that adapters were packed into")
    try:
        return Contents.model_validate(read_json(pack, PACK))
    except ValidationError as exc:
        raise ModelError(f"{pack}: {PACK}: {explain(exc)}; pack the adapters again") from exc
