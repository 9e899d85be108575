"""Averages of the models themselves, along straight lines and on spheres."""

from typing import Any

from speciate.population.operators.averaging import (
    arcee_fusion,
    ema,
    karcher,
    linear,
    model_stock,
    multislerp,
    nearswap,
    nuslerp,
    ram,
    ram_plus,
    slerp,
    sma,
    wma,
)
from speciate.population.operators.operator import Operator

OPERATORS: tuple[Operator[Any, Any], ...] = (
    linear.OPERATOR,
    slerp.OPERATOR,
    nuslerp.OPERATOR,
    multislerp.OPERATOR,
    karcher.OPERATOR,
    model_stock.OPERATOR,
    sma.OPERATOR,
    ema.OPERATOR,
    wma.OPERATOR,
    nearswap.OPERATOR,
    arcee_fusion.OPERATOR,
    ram.OPERATOR,
    ram_plus.OPERATOR,
)
