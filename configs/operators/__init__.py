"""Parameters of the operators, one model an operator: what a recipe or a campaign may say of each.

Kept apart from the operators themselves so that a config is checked without importing torch.
"""

from speciate.configs.operators import (
    adapters,
    alignment,
    averaging,
    evolved,
    mutation,
    spectral,
    statistics,
    structure,
    task_vectors,
)
from speciate.configs.operators.common import Parameters

OPERATOR_PARAMETERS: dict[str, type[Parameters]] = {
    **averaging.PARAMETERS,
    **task_vectors.PARAMETERS,
    **spectral.PARAMETERS,
    **statistics.PARAMETERS,
    **alignment.PARAMETERS,
    **structure.PARAMETERS,
    **mutation.PARAMETERS,
    **evolved.PARAMETERS,
}

# What crossover in a campaign may use.
CROSSOVERS = {name: one for name, one in OPERATOR_PARAMETERS.items() if one.models != "none"}

# And in a campaign of adapters.
ADAPTER_CROSSOVERS = {
    name: one for name, one in adapters.PARAMETERS.items() if one.models != "none"
}

# Operators that need the common ancestor.
WITH_BASE = frozenset(name for name, one in OPERATOR_PARAMETERS.items() if one.needs_base)
