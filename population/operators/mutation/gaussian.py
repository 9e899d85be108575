"""Mutation by sparse normal noise, as in GENOME ("Nature-inspired population-based evolution")."""

from torch import Tensor

from speciate.configs.operators.mutation import Gaussian
from speciate.population.operators.operator import ONE, Locus, Operator


def merge(locus: Locus, parameters: Gaussian, _: None) -> Tensor:
    """The parent plus sigma N(0, 1) on elements drawn with probability `density`."""
    (parent,) = locus.tensors["parent"]
    stream = locus.stream(0)
    moved = stream.bernoulli(parent.shape, parameters.density).to(parent.device)
    noise = stream.normal((int(moved.sum()),)).to(parent.device) * parameters.sigma
    child = parent.clone()
    child[moved] = parent[moved] + noise
    return child


OPERATOR = Operator("gaussian", "mutation", {"parent": ONE}, Gaussian, merge)
