"""DELLA's MagPrune, dropping by rank ("DELLA-Merging", Deep et al., 2024, arXiv 2406.11617)."""

from functools import partial

import torch
from torch import Tensor

from speciate.configs.operators.common import numbers
from speciate.configs.operators.task_vectors import DellaLinear, Ranked
from speciate.errors import ConfigError
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator
from speciate.population.operators.stages import ranks, trim
from speciate.population.operators.task_vectors import dare_linear
from speciate.population.structure import at


def probabilities(rows: Tensor, density: float, epsilon: float) -> Tensor:
    """Per element, the probability to be kept: linear in its rank within the row.

    The mean of each row is the density, also of a row of one element, which has no ranks.
    """
    size = rows.shape[-1]
    steps = torch.linspace(-epsilon, epsilon, size, dtype=torch.float64) if size > 1 else 0.0
    by_rank = (torch.full((size,), density, dtype=torch.float64) + steps).float()
    return by_rank.to(rows.device)[ranks(rows)]


def dropped(locus: Locus, parameters: Ranked, number: int, vector: Tensor) -> Tensor:
    """A task vector, rows by columns, whose larger elements are kept with more probability."""
    density = at(parameters.density, locus.place, number)
    kept = probabilities(vector, density, at(parameters.epsilon, locus.place))
    uniform = torch.from_numpy(locus.stream(number).uniform(vector.numel()))
    sparse = trim(vector, uniform.reshape(vector.shape).to(vector.device) < kept)
    return sparse.div_(kept) if parameters.rescale == "inverse" else sparse


def check(parameters: Ranked, count: int) -> None:
    """One weight and one density a model, and probabilities of which none is 0 or 1.

    Raises:
        ConfigError: The numbers differ, or a probability would be 0, 1 or beyond.
    """
    dare_linear.check(parameters, count)
    window = max(numbers(parameters.epsilon))
    low, high = min(numbers(parameters.density)), max(numbers(parameters.density))
    if not (low - window > 0 and high + window < 1):
        raise ConfigError(
            f"epsilon: density - epsilon = {low - window:g} and density + epsilon = "
            f"{high + window:g} must lie between 0 and 1; lower epsilon"
        )


OPERATOR = Operator(
    "della_linear",
    "task_vectors",
    BASE_AND_MODELS,
    DellaLinear,
    partial(dare_linear.merge, drop=dropped),
    grain=Grain.ROW,
    measure=partial(dare_linear.measure, drop=dropped),
    check=check,
    paper="arXiv 2406.11617",
    symmetric=True,
)
