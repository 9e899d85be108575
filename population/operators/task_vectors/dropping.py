"""What DARE and DELLA share: elements dropped at random, and the rest rescaled."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import Dropped
from speciate.population.operators.operator import Locus, View
from speciate.population.operators.stages import task_vectors, weighted

# Of a locus, the parameters, the number of a model and its task vector: what is left of it, already
# divided by the probability to be kept if that is how it is to be rescaled.
Drop = Callable[[Locus, Any, int, Tensor], Tensor]


class Drops(NamedTuple):
    """Per model, the factor that restores its norm; and the sign to elect where all cancels."""

    factors: Sequence[float] = ()
    majority: int = 0


def sparse_task_vectors(
    locus: Locus, parameters: Dropped, drop: Drop, factors: Sequence[float]
) -> list[Tensor]:
    """Task vectors with elements dropped at random, each from the stream of its model."""
    kept = [
        drop(locus, parameters, number, vector) for number, vector in enumerate(task_vectors(locus))
    ]
    return weighted(kept, factors) if factors else kept


def norm_factors(view: View, parameters: Dropped, drop: Drop) -> tuple[float, ...]:
    """Per model, the L1 norm of its task vector divided by that of what is kept.

    1 where nothing was kept; and none at all where another rescale is asked for.
    """
    if parameters.rescale != "l1":
        return ()

    def norms(locus: Locus) -> list[tuple[float, float]]:
        sparse = sparse_task_vectors(locus, parameters, drop, ())
        pairs = zip(task_vectors(locus), sparse, strict=True)
        return [(_l1_norm(vector), _l1_norm(kept)) for vector, kept in pairs]

    sums = [
        [math.fsum(column) for column in zip(*loci, strict=True)]
        for loci in zip(*view.map(norms), strict=True)
    ]
    return tuple(dense / kept if kept else 1.0 for dense, kept in sums)


def _l1_norm(vector: Tensor) -> float:
    return float(vector.abs().sum(dtype=torch.float64))
