"""Operators on the singular vectors of whole matrices."""

from typing import Any

from speciate.population.operators.operator import Operator
from speciate.population.operators.spectral import doge, iso_c, opcm, tsv_m, wudi

OPERATORS: tuple[Operator[Any, Any], ...] = (
    iso_c.OPERATOR,
    tsv_m.OPERATOR,
    wudi.OPERATOR,
    opcm.OPERATOR,
    doge.OPERATOR,
)
