"""Operators that somebody, or some model, wrote: source that is part of the recipe.

See docs/evolved-operators.md for what a source must be.
"""

from typing import Any

from speciate.population.operators.evolved import operator
from speciate.population.operators.evolved.normal import normalised as normalised
from speciate.population.operators.evolved.source import Declared as Declared
from speciate.population.operators.evolved.source import declared as declared
from speciate.population.operators.evolved.static import check as check
from speciate.population.operators.evolved.trials import Trials as Trials
from speciate.population.operators.evolved.trials import try_out as try_out
from speciate.population.operators.operator import Operator

OPERATORS: tuple[Operator[Any, Any], ...] = (operator.OPERATOR,)

__all__ = [
    "OPERATORS",
    "Declared",
    "Trials",
    "check",
    "declared",
    "normalised",
    "try_out",
]
