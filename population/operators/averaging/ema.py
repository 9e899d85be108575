"""Exponential moving average of checkpoints of one run (Li et al., 2025, arXiv 2505.12082)."""

from torch import Tensor

from speciate.configs.operators.averaging import Ema
from speciate.population.operators.operator import MODELS, Locus, Operator
from speciate.population.operators.stages import weighted_mean
from speciate.population.structure import at


def weights(alpha: float, count: int) -> list[float]:
    """What e <- (1 - alpha) e + alpha x, begun with the first checkpoint, leaves of each."""
    first = (1 - alpha) ** (count - 1)
    return [first, *(alpha * (1 - alpha) ** (count - 1 - k) for k in range(1, count))]


def merge(locus: Locus, parameters: Ema, _: None) -> Tensor:
    """The average as it is after the last checkpoint."""
    alpha = at(parameters.alpha, locus.place)
    return weighted_mean(locus.models, weights(alpha, len(locus.models)), locus.owned)


OPERATOR = Operator("ema", "averaging", MODELS, Ema, merge, paper="arXiv 2505.12082")
