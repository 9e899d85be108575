"""The sum of the updates, cut back to a rank by a truncated SVD (Eckart and Young, 1936)."""

from speciate.configs.operators.adapters import LoraSvd
from speciate.population.adapters.factors import (
    Factors,
    side_by_side,
    truncated,
    truncated_matrix,
)
from speciate.population.adapters.operator import (
    AdapterOperator,
    Module,
    check_shares,
    combined,
    kept,
    shares,
)


def merge(module: Module, parameters: LoraSvd, _: None) -> Factors:
    """The closest factors of the rank to the weighted sum of s_i B_i A_i."""
    rank = parameters.rank or module.rank
    parts = module.weighted(shares(parameters, len(module.factors)))
    if parameters.consensus == "none" and parameters.density == 1:
        scaled = [(one, weight * parameters.scale) for one, weight in parts]
        return truncated(*side_by_side(scaled), rank)
    # Elements of an update are not those of its factors: here whole matrices are needed.
    matrices = [kept(one.delta(), parameters.density) for one, _ in parts]
    weights = [weight for _, weight in parts]
    merged = combined(matrices, weights, parameters.consensus, parameters.scale)
    return truncated_matrix(merged, rank, module.stream(0))


OPERATOR = AdapterOperator("lora_svd", LoraSvd, merge, check=check_shares)
