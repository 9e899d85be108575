"""Git Re-Basin: averages modulo permutations (Ainsworth et al., 2022, arXiv 2209.04836)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from speciate.configs.operators.alignment import Rebasin
from speciate.errors import ConfigError
from speciate.population.operators.alignment.matching import (
    Order,
    Similarity,
    assigned,
    match_groups,
    similarity,
)
from speciate.population.operators.alignment.units import (
    Heads,
    Member,
    heads,
    hidden_units,
    modules,
)
from speciate.population.operators.operator import TWO, Genome, Grain, Locus, Operator
from speciate.population.operators.stages import weighted_mean
from speciate.population.structure import Place, at

_EXPERTS = re.compile(r"(^|\.)experts(\.|$)")


@dataclass(frozen=True)
class Permuted:
    """Which rows and columns of the second model's matrix come in which order; None as they are."""

    rows: Tensor | None = None
    columns: Tensor | None = None

    def of(self, tensor: Tensor) -> Tensor:
        """The tensor in the new order."""
        if self.rows is not None:
            tensor = tensor[self.rows.to(tensor.device)]
        if self.columns is not None:
            tensor = tensor[:, self.columns.to(tensor.device)]
        return tensor


Permutations = dict[tuple[str, int], Permuted]


def prepare(genome: Genome, parameters: Rebasin) -> Permutations:
    """The order of the second model's units, block by block.

    Raises:
        ConfigError: The model has experts, or nothing that we know how to reorder.
    """
    permutations: Permutations = {}
    found = modules(genome)
    for name, module in found.items():
        if parameters.mlp:
            _refuse_experts(name, [view.place for view in module.values()])
            if units := hidden_units(module):
                _add(permutations, units, assigned(_similarities(units, _count(units))))
        if parameters.attention and (attention := heads(name, found, genome.config)):
            _add_heads(permutations, attention)
    if not permutations and (parameters.mlp or parameters.attention):
        raise ConfigError(
            "rebasin: finds no feed-forward network and no attention that it can reorder; "
            "use linear or slerp"
        )
    return permutations


def _refuse_experts(name: str, places: Sequence[Place]) -> None:
    if any(_EXPERTS.search(place.name) for place in places):
        raise ConfigError(
            f"rebasin: {name} has experts, which it cannot align; set mlp = false to align "
            "attention only"
        )


def _count(units: Sequence[Member]) -> int:
    view, axis = units[0]
    return view.shape[axis]


def _similarities(members: Sequence[Member], count: int) -> Similarity:
    """Sum over the matrices of the inner products of the first model's units and the second's."""
    whole = np.zeros((count, count))
    for view, axis in members:
        (part,) = view.map(partial(_similarity, axis=axis, count=count))
        whole += part
    return whole


def _similarity(locus: Locus, axis: int, count: int) -> Similarity:
    first, second = ((model.T if axis else model).reshape(count, -1) for model in locus.models)
    return similarity(first, second)


def _add_heads(permutations: Permutations, attention: Heads) -> None:
    order, groups = match_groups(
        _similarities(attention.of_heads, attention.count),
        _similarities(attention.of_groups, attention.groups),
    )
    _add(permutations, attention.of_heads, order)
    _add(permutations, attention.of_groups, groups)


def _add(permutations: Permutations, members: Sequence[Member], order: Order) -> None:
    for view, axis in members:
        key = view.place.name, view.place.part
        index = _expanded(order, view.shape[axis])
        change = {"columns" if axis else "rows": index}
        permutations[key] = replace(permutations.get(key, Permuted()), **change)


def _expanded(order: Order, size: int) -> Tensor:
    """The order of `size` rows of which each unit has equally many, next to each other."""
    block = size // len(order)
    return torch.from_numpy(order[:, None] * block + np.arange(block)).reshape(-1)


def merge(
    locus: Locus, parameters: Rebasin, permutations: Mapping[tuple[str, int], Permuted]
) -> Tensor:
    """From the first model (t = 0) to the second in the order of the first (t = 1)."""
    first, second = locus.models
    permuted = permutations.get((locus.place.name, locus.place.part), Permuted())
    t = at(parameters.t, locus.place)
    return weighted_mean((first, permuted.of(second)), (1 - t, t))


OPERATOR: Operator[Rebasin, Permutations] = Operator(
    "rebasin",
    "alignment",
    {"model": TWO},
    Rebasin,
    merge,
    grain=Grain.MATRIX,
    prepare=prepare,
    paper="arXiv 2209.04836",
)
