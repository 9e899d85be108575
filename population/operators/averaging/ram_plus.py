"""RAM+, which makes up for what averaging takes from shared elements (arXiv 2601.13572)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.configs.operators.averaging import RamPlus
from speciate.population.operators.averaging.ram import activity, mean_of_active
from speciate.population.operators.operator import (
    BASE_AND_MODELS,
    Genome,
    Loci,
    Locus,
    Operator,
    View,
)
from speciate.population.structure import at

Counts = NDArray[np.int64]


def prepare(genome: Genome, parameters: RamPlus) -> Counts | None:
    """What is counted over whole models."""
    return _counted(genome, parameters) if parameters.scope == "model" else None


def measure(view: View, parameters: RamPlus, whole: Counts | None) -> Counts:
    """What is counted over one tensor."""
    return _counted(view, parameters) if whole is None else whole


def _counted(loci: Loci, parameters: RamPlus) -> Counts:
    """For each model, how many active elements it shares, and how many it has alone: (N, 2)."""

    def count(locus: Locus) -> Counts:
        _, masks, counts = activity(locus, parameters)
        own = [int(torch.count_nonzero(mask & (counts == 1))) for mask in masks]
        active = [int(torch.count_nonzero(mask)) for mask in masks]
        return np.array([[every - alone, alone] for every, alone in zip(active, own, strict=True)])

    return np.array(sum(loci.map(count)))


def factors(counts: Counts, r: float, alpha: float) -> Sequence[float]:
    """For each model 1 + r min(shared / unique, alpha); 1 for one with nothing of its own."""
    return [
        1 + r * min(int(shared) / int(unique), alpha) if unique else 1.0
        for shared, unique in counts
    ]


def merge(locus: Locus, parameters: RamPlus, counts: Counts) -> Tensor:
    """As RAM, with the elements that one model alone changed times the factor of that model."""
    items, masks, active = activity(locus, parameters)
    r, alpha = at(parameters.r, locus.place), at(parameters.alpha, locus.place)
    alone = active == 1
    scaled = [
        torch.where(alone, item * factor, item)
        for item, factor in zip(items, factors(counts, r, alpha), strict=True)
    ]
    return locus.base + mean_of_active(scaled, masks, active)


OPERATOR = Operator(
    "ram_plus",
    "averaging",
    BASE_AND_MODELS,
    RamPlus,
    merge,
    prepare=prepare,
    measure=measure,
    paper="arXiv 2601.13572",
    symmetric=True,
)
