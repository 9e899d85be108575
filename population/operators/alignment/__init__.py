"""Operators that bring models into one order of their units before they are averaged."""

from typing import Any

from speciate.population.operators.alignment import rebasin
from speciate.population.operators.operator import Operator

OPERATORS: tuple[Operator[Any, Any], ...] = (rebasin.OPERATOR,)
