"""Sums over the elements of several vectors, from which their kinship follows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Part = tuple[int | None, str]
"""A number of a block, or None outside of the blocks, and a kind of module."""
WHOLE: Part = (None, "all")
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Moments:
    """What is kept of N vectors.

    Attributes:
        count: Elements of each vector.
        sums: (N) sums of the elements.
        products: (N, N) inner products, symmetric.
    """

    count: int
    sums: Reals
    products: Reals

    def __add__(self, other: "Moments") -> "Moments":
        """Of the vectors laid end to end."""
        return Moments(
            self.count + other.count, self.sums + other.sums, self.products + other.products
        )

    def of(self, places: Sequence[int]) -> "Moments":
        """Of the vectors of these numbers, in this order; one may come several times."""
        return Moments(self.count, self.sums[list(places)], self.products[np.ix_(places, places)])

    @property
    def pearson(self) -> Reals:
        """(N, N) correlation coefficients; NaN for a vector whose elements are all equal."""
        means, products = self.sums / self.count, self.products / self.count
        # Less than is lost in rounding: the elements are all equal.
        return _correlated(products - np.outer(means, means), _ROUNDING * np.diag(products))

    @property
    def cosine(self) -> Reals:
        """(N, N) cosines with their sign; NaN for a vector of zeros."""
        return _correlated(self.products, np.zeros(len(self.sums)))

    @property
    def euclidean(self) -> Reals:
        """(N, N) distances."""
        squares = np.diag(self.products)
        found: Reals = np.sqrt(np.maximum(squares[:, None] + squares - 2 * self.products, 0.0))
        np.fill_diagonal(found, 0.0)
        return found


def _correlated(products: Reals, least: Reals) -> Reals:
    """NaN where a square is no more than the least."""
    squares = np.diag(products)
    squares = np.where(squares > least, squares, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Of a vector with itself exactly 1: the root of a square is rounded to what it came from.
        found = products / np.sqrt(np.outer(squares, squares))
    found[~np.isfinite(found)] = np.nan
    clipped: Reals = np.clip(found, -1.0, 1.0)
    return clipped


def total(parts: Iterable[tuple[Part, Moments]]) -> dict[Part, Moments]:
    """Of each part by itself, its pieces added in the order in which they come."""
    found: dict[Part, Moments] = {}
    for part, one in parts:
        found[part] = found[part] + one if part in found else one
    return {part: replace(one, products=_mirrored(one.products)) for part, one in found.items()}


def whole(parts: Mapping[Part, Moments]) -> Moments:
    """Of all parts together."""
    first, *others = parts.values()
    return sum(others, first)


def _mirrored(products: Reals) -> Reals:
    """The symmetric matrix of an upper triangle: a product of matrices need not be one."""
    found: Reals = np.triu(products) + np.triu(products, 1).T
    return found


MEASURES: Mapping[str, Callable[[Moments], Reals]] = {
    "pearson": lambda moments: moments.pearson,
    "cosine": lambda moments: moments.cosine,
    "euclidean": lambda moments: moments.euclidean,
}
"""More is more akin, except that a Euclidean distance is less the more akin two are."""


@dataclass(frozen=True)
class Kinship:
    """How akin individuals are.

    Attributes:
        ids: Of the individuals.
        moments: Of their task vectors, in this order.
        parts: The same by blocks and kinds of modules, if that was asked for.
    """

    ids: tuple[str, ...]
    moments: Moments
    parts: Mapping[Part, Moments] = field(default_factory=dict)

    def matrix(self, measure: str = "pearson") -> Reals:
        """(N, N) by one of `MEASURES`."""
        return MEASURES[measure](self.moments)
