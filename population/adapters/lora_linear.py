"""Averages of the factors A and B, each for itself.

Not the average of the updates: the product of the averages has cross terms B_i A_j, and a weight
counts twice. It also depends on how an update is written as a product. Kept to reproduce others.
"""

from speciate.configs.operators.adapters import LoraLinear
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.operator import AdapterOperator, Module, check_shares, shares
from speciate.population.operators.stages import weighted_sum


def merge(module: Module, parameters: LoraLinear, _: None) -> Factors:
    """A = sum of w_i A_i, B = sum of w_i s_i B_i."""
    parts = module.weighted(shares(parameters, len(module.factors)))
    weights = [weight for _, weight in parts]
    # On B alone, so that it does not matter whether alpha or B itself holds the scale.
    b = weighted_sum([one.scaled_b for one, _ in parts], weights)
    a = weighted_sum([one.a for one, _ in parts], weights)
    return Factors(a, b)


OPERATOR = AdapterOperator("lora_linear", LoraLinear, merge, check=check_shares, equal_ranks=True)
