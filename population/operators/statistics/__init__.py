"""Operators that read statistics of the models: Fisher information, Gram matrices, votes."""

from typing import Any

from speciate.population.operators.operator import Operator
from speciate.population.operators.statistics import fisher, mats, ota, rcp, regmean

OPERATORS: tuple[Operator[Any, Any], ...] = (
    fisher.OPERATOR,
    regmean.OPERATOR,
    mats.OPERATOR,
    ota.OPERATOR,
    rcp.OPERATOR,
)
