"""OTA merging with fast Fisher grafting (arXiv 2509.11167)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from speciate.configs.operators.statistics import Ota
from speciate.population.operators.operator import ONE, SOME, Locus, Operator, View
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.stages import task_vectors, total, trim
from speciate.population.operators.statistics.shared import mean, quotient, shares, statistics_of
from speciate.population.operators.weighting import check_weights, weights_at

KIND = "exp_avg_sq"


@dataclass(frozen=True)
class Facts:
    """Of one matrix: which elements of each task vector to keep, and mean square roots of v."""

    cuts: Sequence[Cut] | None
    means: Sequence[float]


def measure(view: View, parameters: Ota, _: None) -> Facts:
    """The exact cuts of v tau^2, and the means where the curvature is divided by them."""
    count = len(view.one(0).models)
    if statistics_of(view.one(0), KIND) is None:
        return Facts(None, [1.0] * count)
    cuts = None
    if parameters.threshold is None and parameters.density < 1:
        cuts = largest(view, _saliences, [parameters.density] * count)
    return Facts(cuts, _means(view) if parameters.normalize else [1.0] * count)


def _saliences(locus: Locus) -> list[Tensor]:
    """Square root of v tau^2, which is about the loss of setting the element back to the base.

    Of the same order as v tau^2, which float32 could not hold for v near 1e-26.
    """
    moments = statistics_of(locus, KIND) or []
    return [v.sqrt() * tau for v, tau in zip(moments, task_vectors(locus), strict=True)]


def _means(view: View) -> list[float]:
    def sums(locus: Locus) -> list[float]:
        return [float(v.double().sqrt().sum()) for v in statistics_of(locus, KIND) or []]

    size = max(math.prod(view.shape), 1)
    return [math.fsum(one) / size or 1.0 for one in zip(*view.map(sums), strict=True)]


def merge(locus: Locus, parameters: Ota, facts: Facts) -> Tensor:
    """The base plus sum P_i tau_i / sum P_i, P_i = w_i sqrt(v_i) on what is kept of model i."""
    moments = statistics_of(locus, KIND)
    middle = mean(locus.models, shares(locus, parameters.weights))
    if moments is None:
        return middle
    weights = weights_at(parameters.weights, locus)
    curvatures = [
        trim((v.sqrt() / scale + parameters.epsilon) * weight, mask)
        for v, scale, weight, mask in zip(
            moments, facts.means, weights, _masks(locus, parameters, facts), strict=True
        )
    ]
    whole = total(curvatures)
    parts = [quotient(curvature, whole, 0.0) for curvature in curvatures]
    merged = locus.base + total([p * t for p, t in zip(parts, task_vectors(locus), strict=True)])
    return torch.where(whole > 0, merged, locus.base if parameters.empty == "base" else middle)


def _masks(locus: Locus, parameters: Ota, facts: Facts) -> list[Tensor]:
    saliences = _saliences(locus)
    if parameters.threshold is not None:
        least = math.sqrt(parameters.threshold)
        return [salience.abs() >= least for salience in saliences]
    if facts.cuts is None:
        return [torch.ones_like(salience, dtype=torch.bool) for salience in saliences]
    return [cut.mask(locus, one) for cut, one in zip(facts.cuts, saliences, strict=True)]


def check(parameters: Ota, count: int) -> None:
    """One weight a model.

    Raises:
        ConfigError: The number of weights differs.
    """
    check_weights(parameters.weights, count)


OPERATOR: Operator[Ota, Facts] = Operator(
    name="ota",
    family="statistics",
    roles={"base": ONE, "model": SOME, "statistics": SOME},
    parameters=Ota,
    merge=merge,
    measure=measure,
    check=check,
    paper="Harnessing Optimization Dynamics for Curvature-Informed Model Merging, arXiv 2509.11167",
    statistics=(KIND,),
    symmetric=True,
)
