"""What an operator on adapters is: parameters, and a function of one module's factors."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from torch import Tensor

from speciate.configs.operators.adapters import Weighted
from speciate.configs.operators.common import Parameters
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.factors import Factors
from speciate.population.operators.operator import SOME, Arity, accept
from speciate.population.operators.stages import (
    agreeing_mean,
    sign_balance,
    top_k_rows,
    trim,
    weighted_sum,
)
from speciate.population.operators.weighting import check_sum, check_weights
from speciate.population.randomness import Stream

P = TypeVar("P", bound=Parameters)
F = TypeVar("F")

ADAPTERS: Mapping[str, Arity] = {"adapter": SOME}


@dataclass(frozen=True)
class Module:
    """One module of all adapters.

    Attributes:
        name: As the base calls it.
        factors: In the order of the recipe; None where an adapter leaves the module as it is,
            which is an update of 0. Never to be changed in place.
        stream: Random numbers of this module for the adapter of this number.
    """

    name: str
    factors: tuple[Factors | None, ...]
    stream: Callable[[int], Stream]

    @property
    def present(self) -> list[Factors]:
        """The factors of the adapters that have any; at least one."""
        return [one for one in self.factors if one is not None]

    @property
    def rank(self) -> int:
        """The largest rank."""
        return max(one.rank for one in self.present)

    def weighted(self, weights: Sequence[float]) -> list[tuple[Factors, float]]:
        """The factors that there are, each with the weight of its adapter."""
        pairs = zip(self.factors, weights, strict=True)
        return [(one, weight) for one, weight in pairs if one is not None]


def no_context(_: Sequence[Adapter], __: Parameters) -> Any:  # noqa: ANN401
    """For operators that look at one module at a time."""


@dataclass(frozen=True)
class AdapterOperator(Generic[P, F]):
    """A way to make an adapter from adapters.

    Attributes:
        name: As recipes say it.
        parameters: Their model, with bounds.
        merge: From one module, the parameters and the context to the factors of the child.
        family: Page of the documentation.
        roles: Parts that parents play, and how many may play each.
        prepare: A pass over all adapters that gives the context.
        check: Refuses parameters that do not fit the number of adapters, with a ConfigError.
        equal_ranks: Whether a module has to have one rank in all adapters.
        paper: Where it comes from, with its arXiv number if it has one.
    """

    name: str
    parameters: type[P]
    merge: Callable[[Module, P, F], Factors]
    family: str = "adapters"
    roles: Mapping[str, Arity] = field(default_factory=lambda: ADAPTERS)
    prepare: Callable[[Sequence[Adapter], P], F] = no_context
    check: Callable[[P, int], None] = accept
    equal_ranks: bool = False
    paper: str = ""

    @property
    def summary(self) -> str:
        """One sentence: the first line of the parameters' docstring."""
        return (self.parameters.__doc__ or "").strip().splitlines()[0]


def shares(parameters: Weighted, count: int) -> list[float]:
    """One weight an adapter, divided by their sum if that is asked for."""
    weights = [1.0] * count if parameters.weights is None else list(parameters.weights)
    whole = math.fsum(weights) if parameters.normalize else 1.0
    return [weight / whole for weight in weights]


def check_shares(parameters: Weighted, count: int) -> None:
    """One weight an adapter, and a sum to divide by.

    Raises:
        ConfigError: The number of weights differs, or they cancel while `normalize` is set.
    """
    check_weights(parameters.weights, count)
    if parameters.normalize:
        check_sum(parameters.weights)


def kept(matrix: Tensor, density: float) -> Tensor:
    """The largest elements of a whole matrix, and 0 elsewhere."""
    if density == 1:
        return matrix
    mask = top_k_rows(matrix.reshape(1, -1), density).reshape(matrix.shape)
    return trim(matrix, mask)


def combined(
    matrices: Sequence[Tensor], weights: Sequence[float], consensus: str, scale: float
) -> Tensor:
    """The weighted sum, or the mean of what agrees in sign, times the scale; float32."""
    if consensus == "none":
        return weighted_sum(matrices, weights) * scale
    parts = [matrix * weight for matrix, weight in zip(matrices, weights, strict=True)]
    balance = sign_balance(parts)
    majority = (balance > 0) - (balance < 0)
    return agreeing_mean(matrices, weights, majority) * scale
