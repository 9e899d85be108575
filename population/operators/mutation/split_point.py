"""Crossover of M2N2 with a split point ("Competition and attraction improve model fusion")."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from speciate.configs.operators.mutation import SplitPoint
from speciate.population.operators.measures import inner_products
from speciate.population.operators.operator import TWO, Genome, Locus, Operator
from speciate.population.operators.stages import weighted_mean, weighted_sum

_PARALLEL = 1e-6


@dataclass(frozen=True)
class Split:
    """Where the parameter vector is split, and along which arc it is interpolated.

    Attributes:
        starts: Index of each matrix's first element, by name and number of the matrix.
        index: Of the first element after the point.
        angle: Between the whole models, in radians; 0 where there is no one arc.
    """

    starts: Mapping[tuple[str, int], int]
    index: int
    angle: float

    def before(self, locus: Locus) -> int:
        """How many elements of a locus lie before the point."""
        start = self.starts[locus.place.name, locus.place.part] + locus.start
        return min(max(self.index - start, 0), locus.shape.numel())


def prepare(genome: Genome, parameters: SplitPoint) -> Split:
    """Counts the elements, and measures the angle of the models as two long vectors."""
    starts, size = {}, 0
    for view in genome.views():
        starts[view.place.name, view.place.part] = size
        size += math.prod(view.shape)
    return Split(starts, int(parameters.split * size), _angle(genome))


def _angle(genome: Genome) -> float:
    products = inner_products(genome, lambda locus: locus.models)
    norms = math.sqrt(products[0, 0]) * math.sqrt(products[1, 1])
    angle = math.acos(max(-1.0, min(1.0, products[0, 1] / norms))) if norms > 0 else 0.0
    return angle if math.sin(angle) > _PARALLEL else 0.0


def merge(locus: Locus, parameters: SplitPoint, split: Split) -> Tensor:
    """Spherical interpolation by t before the point and by 1 - t after it, then noise."""
    before, t = split.before(locus), parameters.t
    parts = [
        _between([model[part] for model in locus.models], share, split.angle)
        for part, share in ((slice(before), t), (slice(before, None), 1 - t))
        if len(locus.models[0][part])
    ]
    child = torch.cat(parts) if len(parts) > 1 else parts[0]
    if parameters.sigma:
        noise = locus.stream(0).normal(child.shape).to(child.device)
        child += noise.mul_(parameters.sigma)
    return child


def _between(models: Sequence[Tensor], t: float, angle: float) -> Tensor:
    if angle == 0:
        return weighted_mean(models, (1 - t, t))
    shares = [math.sin(share * angle) / math.sin(angle) for share in (1 - t, t)]
    return weighted_sum(models, shares)


OPERATOR: Operator[SplitPoint, Split] = Operator(
    "split_point",
    "mutation",
    {"model": TWO},
    SplitPoint,
    merge,
    prepare=prepare,
    paper="arXiv 2508.16204",
)
