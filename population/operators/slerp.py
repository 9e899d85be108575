"""Spherical interpolation of two models, tensor by tensor.

Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985.
"""

import math

from torch import Tensor

from speciate.configs.operators import Slerp
from speciate.population.operators.operator import TWO, Locus, Operator, no_context
from speciate.population.operators.stages import dot, weighted_mean, weighted_sum

_PARALLEL = 0.9995


def merge(locus: Locus, parameters: Slerp, _: None) -> Tensor:
    """From the first model (t = 0) to the second (t = 1) along the arc between them.

    The weights are those of the directions, applied to the tensors as they are. Parallel and
    antiparallel tensors, which have no one arc, and zeros are interpolated linearly.
    """
    first, second = locus.tensors["model"]
    t = parameters.t
    cosine = _cosine(first, second)
    if abs(cosine) > _PARALLEL:
        return weighted_mean((first, second), (1 - t, t))
    angle = math.acos(cosine)
    shares = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
    return weighted_sum((first, second), shares)


def _cosine(first: Tensor, second: Tensor) -> float:
    """Of the angle between two tensors; a zero is parallel to everything."""
    norms = math.sqrt(dot(first, first)) * math.sqrt(dot(second, second))
    return dot(first, second) / norms if norms > 0 else 1.0


OPERATOR = Operator("slerp", {"model": TWO}, Slerp, merge, no_context)
