"""NuSLERP: spherical interpolation by weights, of models or of task vectors (as in mergekit).

Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985.
"""

import torch
from torch import Tensor

from speciate.configs.operators.averaging import Nuslerp
from speciate.population.operators.averaging.sphere import (
    TWO_AND_PERHAPS_BASE,
    combination,
    products_along,
    vectors,
)
from speciate.population.operators.measures import inner_products
from speciate.population.operators.operator import Grain, Locus, Operator, View
from speciate.population.operators.shares import check_shares, shares
from speciate.population.operators.stages import total
from speciate.population.structure import Place

_PARALLEL = 1e-6
_OPPOSITE = -0.9995


def arc(products: Tensor, t: float) -> Tensor:
    """Weights of two vectors for the point at `t` of the arc from the first to the second.

    Those of the chord where there is no one arc: for zeros, for vectors that are parallel but for
    rounding, and for nearly opposite ones, whose weights would grow without bound.

    Args:
        products: Inner products (2, 2, ...), float64.
        t: 0 is the first vector, 1 the second.

    Returns:
        Float64 of shape (2, ...).
    """
    lengths = products[0, 0].sqrt() * products[1, 1].sqrt()
    cosine = torch.where(lengths > 0, products[0, 1] / lengths, 1.0).clamp(-1, 1)
    sine = ((1 - cosine) * (1 + cosine)).sqrt()
    angle = torch.atan2(sine, cosine)
    straight = (sine < _PARALLEL) | (cosine < _OPPOSITE)
    return torch.stack(
        [torch.where(straight, share, torch.sin(share * angle) / sine) for share in (1 - t, t)]
    )


def measure(view: View, parameters: Nuslerp, _: None) -> Tensor | None:
    """Weights of the two for the tensor or for each column; those of rows need no whole tensor."""
    t = _position(parameters, view.place)
    if parameters.axis == "tensor" or len(view.shape) < 2:
        return arc(torch.from_numpy(inner_products(view, vectors)), t)
    if parameters.axis == "row":
        return None
    return arc(total(view.map(lambda locus: products_along(vectors(locus), 0).cpu())), t)


def merge(locus: Locus, parameters: Nuslerp, weights: Tensor | None) -> Tensor:
    """From the first (all weight on it) to the second along the arc between them."""
    if weights is None:
        t = _position(parameters, locus.place)
        weights = arc(products_along(vectors(locus), -1), t)
    return combination(locus, weights)


def _position(parameters: Nuslerp, place: Place) -> float:
    return shares(parameters.weights, place, 2)[1]


def check(parameters: Nuslerp, count: int) -> None:
    """Two weights with a sum to divide by.

    Raises:
        ConfigError: There are more or fewer, or they cancel.
    """
    check_shares(parameters.weights, count)


def grain(parameters: Nuslerp) -> Grain:
    """Rows, unless each tensor is one vector."""
    return Grain.ELEMENT if parameters.axis == "tensor" else Grain.ROW


OPERATOR = Operator(
    "nuslerp",
    "averaging",
    TWO_AND_PERHAPS_BASE,
    Nuslerp,
    merge,
    grain=grain,
    measure=measure,
    check=check,
    paper="Shoemake, 1985; mergekit",
)
