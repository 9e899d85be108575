"""A copy of one model, scaled where one likes; the usual operator of the pieces of a stack."""

from torch import Tensor

from speciate.configs.operators.structure import Passthrough
from speciate.population.operators.operator import ONE, Locus, Operator
from speciate.population.structure import at


def merge(locus: Locus, parameters: Passthrough, _: None) -> Tensor:
    """The model times `scale` at this place."""
    (model,) = locus.models
    scale = at(parameters.scale, locus.place)
    return model if scale == 1 else model * scale


OPERATOR = Operator("passthrough", "structure", {"model": ONE}, Passthrough, merge, dense=True)
