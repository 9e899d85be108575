"""RCP-Merging: reasoning capability as a prior (arXiv 2508.03140)."""

import torch
from torch import Tensor

from speciate.configs.operators.statistics import Rcp
from speciate.population.operators.operator import ONE, Locus, Operator
from speciate.population.structure import at


def merge(locus: Locus, parameters: Rcp, _: None) -> Tensor:
    """The reasoning model, plus the domain's task vector where the votes for it prevail.

    Even votes, and tensors on which nobody voted, keep the reasoning model.
    """
    (reasoning,), (domain,) = locus.tensors["reasoning"], locus.tensors["domain"]
    votes = locus.statistic(0, "rcp_votes")
    if votes is None:
        return reasoning
    moved = reasoning + (domain - locus.base) * at(parameters.scale, locus.place)
    return torch.where(votes > 0, moved, reasoning)


OPERATOR: Operator[Rcp, None] = Operator(
    name="rcp",
    family="statistics",
    roles={"base": ONE, "reasoning": ONE, "domain": ONE, "statistics": ONE},
    parameters=Rcp,
    merge=merge,
    paper="RCP-Merging, arXiv 2508.03140",
    statistics=("rcp_votes",),
)
