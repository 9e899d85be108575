"""Weighted moving average of checkpoints of one run (Li et al., 2025, arXiv 2505.12082)."""

from torch import Tensor

from speciate.configs.operators.averaging import Wma
from speciate.population.operators.operator import MODELS, Locus, Operator
from speciate.population.operators.stages import weighted_mean


def merge(locus: Locus, _: Wma, __: None) -> Tensor:
    """The mean in which the n-th checkpoint weighs n."""
    return weighted_mean(locus.models, range(1, len(locus.models) + 1), locus.owned)


OPERATOR = Operator("wma", "averaging", MODELS, Wma, merge, paper="arXiv 2505.12082")
