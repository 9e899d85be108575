"""What operators share that elect a sign for each element and merge what agrees with it."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Literal, Protocol

import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import Elected
from speciate.population.operators.measures import majority_sign
from speciate.population.operators.operator import Loci, Locus
from speciate.population.operators.stages import (
    agreeing,
    agreeing_mean,
    agreeing_sum,
    elect_signs,
    weighted,
)
from speciate.population.operators.task_vectors.task_arithmetic import onto_base
from speciate.population.operators.weighting import weights_at


class HasMajority(Protocol):
    """Parameters that say what is elected where a sum is 0."""

    @property
    def majority(self) -> Literal["vote", "positive"]:
        """By vote of the other sums, or always +."""


def majority_of(
    loci: Loci, parameters: HasMajority, vectors: Callable[[Locus], Sequence[Tensor]]
) -> int:
    """The sign to elect where a sum is 0: a pass over the loci, if it is put to the vote."""
    return 1 if parameters.majority == "positive" else majority_sign(loci, vectors)


def elected_majority(
    loci: Loci, parameters: Elected, vectors: Callable[[Locus], Sequence[Tensor]]
) -> int:
    """The sign to elect where the vectors, times their weights, cancel."""
    return majority_of(
        loci,
        parameters,
        lambda locus: weighted(vectors(locus), weights_at(parameters.weights, locus)),
    )


def elect_and_merge(
    locus: Locus, parameters: Elected, vectors: Sequence[Tensor], majority: int
) -> Tensor:
    """The base plus `scale` times the mean, sum or largest of what has the elected sign."""
    weights = weights_at(parameters.weights, locus)
    if parameters.merge == "max":
        merged = agreeing_largest(weighted(vectors, weights), majority)
    elif parameters.merge == "sum":
        merged = agreeing_sum(vectors, weights, majority)
    else:
        merged = agreeing_mean(vectors, weights, majority)
    return onto_base(locus, parameters, merged)


def agreeing_largest(parts: Sequence[Tensor], majority: int = 0) -> Tensor:
    """Combine: of what has the elected sign, the largest; 0 where nothing has."""
    signs = elect_signs(parts, majority)
    return reduce(torch.maximum, [agreeing(part, signs) for part in parts]).mul_(signs)
