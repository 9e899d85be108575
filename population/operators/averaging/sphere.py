"""What the means on spheres share: vectors, their inner products, and weighted sums of them.

Norms and angles follow from inner products, so each mean is found as weights of the vectors, and
only the weighted sum needs the vectors themselves. It is added up in float64 and rounded once: the
weights may be as far apart as the norms are.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.errors import BreedError
from speciate.population.operators.measures import inner_products
from speciate.population.operators.operator import OPTIONAL, SOME, TWO, Arity, Locus, View
from speciate.population.operators.stages import task_vectors
from speciate.population.structure import Place

TWO_AND_PERHAPS_BASE: Mapping[str, Arity] = {"base": OPTIONAL, "model": TWO}
SOME_AND_PERHAPS_BASE: Mapping[str, Arity] = {"base": OPTIONAL, "model": SOME}

_CANCELLED = 1e-6
"""Of float64 products of float32 vectors, unit vectors shorter than this in sum are rounding."""


def vectors(locus: Locus) -> Sequence[Tensor]:
    """View: the task vectors if there is a base, else the models."""
    return task_vectors(locus) if locus.tensors.get("base") else locus.models


def combination(locus: Locus, weights: Sequence[float] | Tensor) -> Tensor:
    """Combine: the sum of the vectors times their weights, on the base if there is one.

    Args:
        locus: Of the models, and perhaps of a base.
        weights: One a vector, or (vectors, ...) that broadcasts to them.
    """
    items = vectors(locus)
    factors = torch.as_tensor(weights, dtype=torch.float64, device=items[0].device)
    merged = items[0].double() * factors[0]
    for item, factor in zip(items[1:], factors[1:], strict=True):
        merged += item.double() * factor
    return locus.base + merged.float() if locus.tensors.get("base") else merged.float()


def products_along(items: Sequence[Tensor], axis: int) -> Tensor:
    """Inner products of rows (axis -1) or columns (axis 0) of N matrices.

    In float64 throughout: in float32 the squares of small numbers are 0, and vectors that cancel
    would not be told from those that do not.

    Returns:
        Float64 of shape (N, N, rows, 1) or (N, N, 1, columns).
    """
    doubles = [item.double() for item in items]
    found = {
        (i, j): (doubles[i] * doubles[j]).sum(axis, keepdim=True)
        for i, j in combinations_with_replacement(range(len(doubles)), 2)
    }
    numbers = range(len(doubles))
    return torch.stack(
        [torch.stack([found[min(i, j), max(i, j)] for j in numbers]) for i in numbers]
    )


def norms_and_cosines(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Norms (N,), and cosines (N, N) in which a zero vector has 0 with all, itself too."""
    products = inner_products(view, vectors)
    norms = np.sqrt(np.diag(products))
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    return norms, np.clip((products * inverse[:, None]) * inverse, -1, 1)


def mean_direction(
    weights: Sequence[float], cosines: NDArray[np.float64], place: Place
) -> NDArray[np.float64] | None:
    """The normalised weighted mean of unit vectors, as weights of these.

    Returns:
        None for one or two vectors that cancel, which have a mean on the line between them.

    Raises:
        BreedError: Three or more cancel, so that their mean has no direction.
    """
    present = np.diag(cosines) > 0
    parts = np.where(present, weights, 0.0)
    length = math.sqrt(max(float(parts @ cosines @ parts), 0.0))
    if length > _CANCELLED * np.abs(parts).sum():
        return parts / length
    if len(parts) > 2 and parts.any():
        raise BreedError(
            f"the directions of the models cancel in {place.name}, so they have no mean there; "
            "change a weight or leave out a model"
        )
    return None


def on_sphere(
    direction: NDArray[np.float64], weights: Sequence[float], norms: NDArray[np.float64]
) -> list[float]:
    """Weights of the vectors themselves for their mean length in a direction."""
    length = float(np.dot(weights, norms))
    found = np.divide(length * direction, norms, out=np.zeros_like(norms), where=norms > 0)
    return [float(one) for one in found]
