"""Mutation of CycleQD: random growth of singular components (Kuroki et al., arXiv 2410.14735)."""

import torch
from torch import Tensor

from speciate.configs.operators.mutation import SvdMutation
from speciate.population.operators.operator import ONE, Grain, Locus, Operator
from speciate.population.structure import at


def merge(locus: Locus, parameters: SvdMutation, _: None) -> Tensor:
    """The parent plus U diag(u S) V', u uniform in [0, rate), of its task vector U S V'.

    Vectors, and norms of any shape, stay as they are.
    """
    (parent,) = locus.tensors["parent"]
    kind = locus.place.kind
    if parent.dim() != 2 or kind == "norm":
        return parent
    if kind in ("embedding", "head") and not parameters.embeddings:
        return parent
    left, values, right = torch.linalg.svd((parent - locus.base).double(), full_matrices=False)
    drawn = torch.from_numpy(locus.stream(0).uniform(len(values))).to(parent.device)
    growth = drawn * at(parameters.rate, locus.place)
    change: Tensor = left * (growth * values) @ right
    return parent + change.float()


OPERATOR: Operator[SvdMutation, None] = Operator(
    "svd_mutation",
    "mutation",
    {"base": ONE, "parent": ONE},
    SvdMutation,
    merge,
    grain=Grain.MATRIX,
    paper="arXiv 2410.14735",
)
