"""Factors side by side: [w_1 s_1 B_1, w_2 s_2 B_2] [A_1; A_2] is the weighted sum itself."""

from speciate.configs.operators.adapters import LoraCat
from speciate.population.adapters.factors import Factors, side_by_side
from speciate.population.adapters.operator import AdapterOperator, Module, check_shares, shares


def merge(module: Module, parameters: LoraCat, _: None) -> Factors:
    """Factors whose rank is the sum of the ranks."""
    parts = module.weighted(shares(parameters, len(module.factors)))
    b, a = side_by_side(parts)
    return Factors(a.float(), b.float())


OPERATOR = AdapterOperator("lora_cat", LoraCat, merge, check=check_shares)
