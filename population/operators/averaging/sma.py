"""Simple moving average of checkpoints of one run (Li et al., 2025, arXiv 2505.12082)."""

from torch import Tensor

from speciate.configs.operators.averaging import Sma
from speciate.population.operators.operator import MODELS, Locus, Operator
from speciate.population.operators.stages import weighted_mean


def merge(locus: Locus, _: Sma, __: None) -> Tensor:
    """The mean of the checkpoints."""
    return weighted_mean(locus.models, (1.0,) * len(locus.models), locus.owned)


OPERATOR = Operator(
    "sma",
    "averaging",
    MODELS,
    Sma,
    merge,
    paper="arXiv 2505.12082",
    symmetric=True,
)
