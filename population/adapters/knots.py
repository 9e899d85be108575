"""KnOTS: merges in the singular basis that the updates share (Stoica et al., 2024, 2410.19735)."""

import torch
from torch import Tensor

from speciate.configs.operators.adapters import Knots
from speciate.population.adapters.factors import Factors, svd, truncated
from speciate.population.adapters.operator import (
    AdapterOperator,
    Module,
    check_shares,
    combined,
    kept,
    shares,
)


def merge(module: Module, parameters: Knots, _: None) -> Factors:
    """U times the merged parts S V_i', cut back to a rank."""
    weighted = module.weighted(shares(parameters, len(module.factors)))
    basis, parts = aligned([one for one, _ in weighted])
    weights = [weight for _, weight in weighted]
    trimmed = [kept(part.float(), parameters.density) for part in parts]
    merged = combined(trimmed, weights, parameters.consensus, parameters.scale)
    return truncated(basis, merged.double(), parameters.rank or module.rank)


def aligned(factors: list[Factors]) -> tuple[Tensor, list[Tensor]]:
    """U (out, k) and the parts S V_i' (k, in) of which U makes the updates; float64.

    U S [V_1' ... V_N'] is the SVD of the updates side by side. With B = QR and A_i' = Q_i R_i it
    is found from [R^1 R_1' ... R^N R_N'], R^i the columns of R for B_i, as small as the ranks.
    """
    left, upper = torch.linalg.qr(torch.cat([one.scaled_b.double() for one in factors], dim=1))
    rights = [torch.linalg.qr(one.a.double().T) for one in factors]
    columns = torch.split(upper, [one.rank for one in factors], dim=1)
    products = [part @ r.T for part, (_, r) in zip(columns, rights, strict=True)]
    u, s, vt = svd(torch.cat(products, dim=1))
    blocks = torch.split(s[:, None] * vt, [part.shape[1] for part in products], dim=1)
    return left @ u, [block @ q.T for block, (q, _) in zip(blocks, rights, strict=True)]


OPERATOR = AdapterOperator("knots", Knots, merge, check=check_shares, paper="arXiv 2410.19735")
