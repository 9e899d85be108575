"""A factor for the task vector, or the weights, of each group of layers."""

from torch import Tensor

from speciate.configs.operators.mutation import Rescale
from speciate.population.operators.operator import ONE, OPTIONAL, Locus, Operator
from speciate.population.structure import at


def merge(locus: Locus, parameters: Rescale, _: None) -> Tensor:
    """The base plus `factor` times the task vector; without a base `factor` times the parent."""
    (parent,) = locus.tensors["parent"]
    factor = at(parameters.factor, locus.place)
    if factor == 1:
        return parent
    if not locus.tensors.get("base"):
        return parent * factor
    return locus.base + (parent - locus.base) * factor


OPERATOR: Operator[Rescale, None] = Operator(
    "rescale", "mutation", {"base": OPTIONAL, "parent": ONE}, Rescale, merge
)
