"""Changes of one individual, by chance or towards others, and crossovers that choose by place."""

from typing import Any

from speciate.population.operators.mutation import (
    gaussian,
    layer_choice,
    layer_swap,
    rescale,
    split_point,
    succession,
    svd_mutation,
)
from speciate.population.operators.operator import Operator

OPERATORS: tuple[Operator[Any, Any], ...] = (
    gaussian.OPERATOR,
    succession.OPERATOR,
    svd_mutation.OPERATOR,
    rescale.OPERATOR,
    split_point.OPERATOR,
    layer_choice.OPERATOR,
    layer_swap.OPERATOR,
)
