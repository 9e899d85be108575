"""Multi-SLERP: the mean direction of any number of models, at their mean length (as in mergekit).

The published form goes from the normalised mean direction along the mean of the tangents there,
which is 0 whatever the vectors; what remains is that direction.
"""

from collections.abc import Sequence

from torch import Tensor

from speciate.configs.operators.averaging import Multislerp
from speciate.population.operators.averaging.sphere import (
    SOME_AND_PERHAPS_BASE,
    combination,
    mean_direction,
    norms_and_cosines,
    on_sphere,
)
from speciate.population.operators.operator import Locus, Operator, View
from speciate.population.operators.shares import check_shares, shares
from speciate.population.operators.weighting import check_weights
from speciate.population.structure import Place, at


def measure(view: View, parameters: Multislerp, _: None) -> Sequence[float]:
    """Weights of the vectors."""
    norms, cosines = norms_and_cosines(view)
    weights = _weights(parameters, view.place, len(norms))
    direction = mean_direction(weights, cosines, view.place)
    return weights if direction is None else on_sphere(direction, weights, norms)


def _weights(parameters: Multislerp, place: Place, count: int) -> tuple[float, ...]:
    if parameters.normalize:
        return shares(parameters.weights, place, count)
    return tuple(at(weight, place) for weight in parameters.weights or (1.0,) * count)


def merge(locus: Locus, _: Multislerp, weights: Sequence[float]) -> Tensor:
    """The sum of w_i |x_i|, times the direction of the sum of w_i x_i / |x_i|."""
    return combination(locus, weights)


def check(parameters: Multislerp, count: int) -> None:
    """One weight a model, and a sum to divide by.

    Raises:
        ConfigError: The number of weights differs, or they cancel while `normalize` is set.
    """
    if parameters.normalize:
        check_shares(parameters.weights, count)
    else:
        check_weights(parameters.weights, count)


OPERATOR = Operator(
    "multislerp",
    "averaging",
    SOME_AND_PERHAPS_BASE,
    Multislerp,
    merge,
    measure=measure,
    check=check,
    paper="mergekit",
    symmetric=True,
)
