"""Operators that put a child together from the transformer blocks of its parents."""

from typing import Any

from speciate.population.operators.operator import Operator, Structural
from speciate.population.operators.structure import (
    data_flow,
    layer_drop,
    layer_duplicate,
    passthrough,
    stack,
)

OPERATORS: tuple[Operator[Any, Any] | Structural[Any], ...] = (
    passthrough.OPERATOR,
    stack.OPERATOR,
    data_flow.OPERATOR,
    layer_drop.OPERATOR,
    layer_duplicate.OPERATOR,
)
