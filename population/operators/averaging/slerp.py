"""Spherical interpolation of two models, matrix by matrix.

Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985.
"""

import math

from torch import Tensor

from speciate.configs.operators.averaging import Slerp
from speciate.population.operators.measures import inner_products
from speciate.population.operators.operator import TWO, Locus, Operator, View
from speciate.population.operators.stages import weighted_mean, weighted_sum
from speciate.population.structure import at

_PARALLEL = 0.9995


def measure(view: View, _: Slerp, __: None) -> float:
    """Cosine of the angle between the two; a zero is parallel to everything."""
    products = inner_products(view, lambda locus: locus.models)
    norms = math.sqrt(products[0, 0]) * math.sqrt(products[1, 1])
    return float(products[0, 1] / norms) if norms > 0 else 1.0


def merge(locus: Locus, parameters: Slerp, cosine: float) -> Tensor:
    """From the first model (t = 0) to the second (t = 1) along the arc between them.

    The weights are those of the directions, applied to the tensors as they are. Parallel and
    antiparallel tensors, which have no one arc, and zeros are interpolated linearly.
    """
    t = at(parameters.t, locus.place)
    if abs(cosine) > _PARALLEL:
        return weighted_mean(locus.models, (1 - t, t))
    angle = math.acos(cosine)
    shares = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
    return weighted_sum(locus.models, shares)


OPERATOR = Operator(
    "slerp",
    "averaging",
    {"model": TWO},
    Slerp,
    merge,
    measure=measure,
    paper="Shoemake, 1985",
    dense=True,
)
