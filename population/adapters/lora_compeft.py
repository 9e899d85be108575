"""ComPEFT: an adapter of signs and one size (Yadav et al., 2023, arXiv 2311.13171)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from speciate.configs.operators.adapters import LoraCompeft
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.operator import AdapterOperator, Module
from speciate.population.operators.operator import ONE
from speciate.population.operators.stages import top_k_rows, trim


class Ternary(NamedTuple):
    """What is kept of A and B of each module, and the size that it gets."""

    masks: Mapping[str, tuple[Tensor, Tensor]]
    size: float


def prepare(adapters: Sequence[Adapter], parameters: LoraCompeft) -> Ternary:
    """Looks for the largest elements of all factors together, as they are stored."""
    (adapter,) = adapters
    pairs = {name: _pair(adapter, name) for name in adapter.modules}
    flat = torch.cat([tensor.reshape(-1) for pair in pairs.values() for tensor in pair])
    mask = top_k_rows(flat[None], parameters.density)[0]
    cut = iter(torch.split(mask, [tensor.numel() for pair in pairs.values() for tensor in pair]))
    masks = {
        name: (next(cut).reshape(a.shape), next(cut).reshape(b.shape))
        for name, (a, b) in pairs.items()
    }
    # Of the dense update: what is dropped counts too.
    return Ternary(masks, parameters.alpha * float(flat.double().std()))


def _pair(adapter: Adapter, name: str) -> tuple[Tensor, Tensor]:
    factors = adapter.factors(name)
    assert factors is not None  # noqa: S101  Modules that an adapter names have factors.
    return factors.a, factors.b


def merge(module: Module, _: LoraCompeft, ternary: Ternary) -> Factors:
    """Plus or minus one size where an element is kept, 0 elsewhere; B keeps its scale."""
    (one,) = module.present
    kept_a, kept_b = ternary.masks[module.name]
    a, b = trim(one.a.sign(), kept_a), trim(one.b.sign(), kept_b)
    return Factors(a * ternary.size, b * ternary.size, one.scale)


OPERATOR = AdapterOperator(
    "lora_compeft",
    LoraCompeft,
    merge,
    roles={"adapter": ONE},
    prepare=prepare,
    paper="arXiv 2311.13171",
)
