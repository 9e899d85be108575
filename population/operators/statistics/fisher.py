"""Fisher-weighted averaging (Matena and Raffel, 2021, arXiv 2111.09832)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from speciate.configs.operators.statistics import Fisher
from speciate.errors import ConfigError
from speciate.population.operators.operator import (
    SOME,
    Genome,
    Locus,
    Operator,
    View,
)
from speciate.population.operators.stages import total
from speciate.population.operators.statistics.shared import mean, quotient, shares, statistics_of
from speciate.population.operators.weighting import check_weights


@dataclass(frozen=True)
class Scales:
    """What the Fisher information of each model is multiplied by, and its floor after that."""

    factors: Sequence[float]
    floor: float = 0.0


def prepare(genome: Genome, parameters: Fisher) -> Scales | None:
    """One over the norm of each model's Fisher information; None where it is not normalised."""
    if not parameters.normalize:
        return None
    squares = genome.map(lambda locus: _moments(locus, 2))
    norms = [math.sqrt(math.fsum(one)) for one in zip(*filter(None, squares), strict=True)]
    return Scales([1 / norm if norm > 0 else 1.0 for norm in norms])


def measure(view: View, parameters: Fisher, scales: Scales | None) -> Scales:
    """The floor of this matrix, from the mean Fisher information over it and all models."""
    sums = list(zip(*filter(None, view.map(lambda locus: _moments(locus, 1))), strict=True))
    factors = scales.factors if scales and scales.factors else [1.0] * len(sums)
    whole = math.fsum(f * math.fsum(one) for f, one in zip(factors, sums, strict=False))
    return Scales(factors, parameters.floor * whole / max(len(sums) * math.prod(view.shape), 1))


def _moments(locus: Locus, power: int) -> list[float] | None:
    """Sum over the locus of each model's Fisher information to this power, in float64."""
    found = statistics_of(locus, "fisher")
    return None if found is None else [float(f.double().pow(power).sum()) for f in found]


def merge(locus: Locus, parameters: Fisher, scales: Scales) -> Tensor:
    """Sum l_i F_i theta_i / sum l_i F_i; the mean by l_i where nothing is known."""
    weights = shares(locus, parameters.weights)
    found = statistics_of(locus, "fisher")
    if found is None:
        return mean(locus.models, weights)
    floored = [
        _floored(fisher.float() * scales.factors[model], model, parameters, scales.floor) * weight
        for model, (fisher, weight) in enumerate(zip(found, weights, strict=True))
    ]
    whole = total(floored)
    parts = [quotient(f, whole, weight) for f, weight in zip(floored, weights, strict=True)]
    return mean(locus.models, parts)


def _floored(fisher: Tensor, model: int, parameters: Fisher, floor: float) -> Tensor:
    return fisher.clamp(min=floor) if parameters.favor in (None, model) else fisher


def check(parameters: Fisher, count: int) -> None:
    """Whether weights and the favored model fit the number of models.

    Raises:
        ConfigError: There is another number of weights, or no such model.
    """
    check_weights(parameters.weights, count)
    if parameters.favor is not None and parameters.favor >= count:
        raise ConfigError(f"favor: there is no model {parameters.favor}; say 0 to {count - 1}")


OPERATOR: Operator[Fisher, Scales] = Operator(
    name="fisher",
    family="statistics",
    roles={"model": SOME, "statistics": SOME},
    parameters=Fisher,
    merge=merge,
    prepare=prepare,
    measure=measure,
    check=check,
    paper="Merging Models with Fisher-Weighted Averaging, arXiv 2111.09832",
    statistics=("fisher",),
    symmetric=True,
)
