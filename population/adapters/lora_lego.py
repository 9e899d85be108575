"""LoRA-LEGO: clusters of rank-one units (Zhao et al., 2024, arXiv 2409.16167).

The scale that makes up for a change of rank could not be confirmed: `output_scale` is 1 unless
given, where the authors' is said to be about sqrt(r / k).
"""

import numpy as np
import torch
from numpy.typing import NDArray

from speciate.configs.operators.adapters import LoraLego
from speciate.population.adapters.clusters import clustered
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.operator import AdapterOperator, Module

Points = NDArray[np.float64]


def merge(module: Module, parameters: LoraLego, _: None) -> Factors:
    """One unit a cluster: the mean of its units, with their mean norm if that is restored."""
    points = np.concatenate([units(one) for one in module.present])
    inputs = module.present[0].a.shape[1]
    rank = parameters.rank or module.rank
    if len(points) == 0:
        return Factors(torch.zeros(1, inputs), torch.zeros(len(module.present[0].b), 1))
    groups = clustered(in_order(points), rank, module.stream(0))
    centroids = np.stack([_centroid(group, parameters.norm_restore) for group in groups])
    root = abs(parameters.output_scale) ** 0.5
    a, b = centroids[:, :inputs] * root, centroids[:, inputs:].T * root
    signed = np.copysign(b, b * parameters.output_scale)
    return Factors(torch.from_numpy(a).float(), torch.from_numpy(signed).float())


def units(one: Factors) -> Points:
    """Rows (a_j, b_j) of the rank-one updates b_j a_j that are not 0, as (units, in + out).

    The scale is folded in, and both halves get one norm: their product does not tell them apart.
    """
    a, b = one.a.double().numpy(), one.scaled_b.T.contiguous().double().numpy()
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    alive = (norms[0] > 0) & (norms[1] > 0)
    ratio = np.sqrt(norms[1][alive] / norms[0][alive])[:, None]
    return np.concatenate([a[alive] * ratio, b[alive] / ratio], axis=1)


def in_order(points: Points) -> Points:
    """Sorted by content, so that neither the order of ranks nor that of adapters matters.

    (a, b) and (-a, -b) are one unit: the largest entry is made positive.
    """
    largest = np.take_along_axis(points, np.abs(points).argmax(axis=1)[:, None], axis=1)
    facing = points * np.where(largest < 0, -1.0, 1.0)
    # -0.0 and 0.0 are one number, but not the same bytes.
    facing = facing + 0.0
    order = sorted(range(len(facing)), key=lambda number: facing[number].tobytes())
    ordered: Points = facing[order]
    return ordered


def _centroid(group: Points, restore: bool) -> Points:
    mean: Points = group.mean(axis=0)
    norm = np.linalg.norm(mean)
    if not restore or norm == 0:
        return mean
    restored: Points = mean * (np.linalg.norm(group, axis=1).mean() / norm)
    return restored


OPERATOR = AdapterOperator("lora_lego", LoraLego, merge, paper="arXiv 2409.16167")
