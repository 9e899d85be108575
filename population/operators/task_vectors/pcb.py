"""PCB: parameter competition balancing (Du et al., 2024, arXiv 2410.02396)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.task_vectors import Pcb
from speciate.population.operators.operator import (
    BASE_AND_MODELS,
    Genome,
    Loci,
    Locus,
    Operator,
    View,
)
from speciate.population.operators.select import Vectors, largest
from speciate.population.operators.stages import (
    as_numbers,
    divide,
    task_vectors,
    total,
    weighted_sum,
)
from speciate.population.operators.task_vectors.exact import density_of, smallest_kept
from speciate.population.operators.task_vectors.magmax import check
from speciate.population.operators.task_vectors.task_arithmetic import onto_base
from speciate.population.operators.weighting import weights_at

Range = tuple[float, float]


class Ranges(NamedTuple):
    """Per model, the magnitudes it is clamped to, and the balances that count as 0 and as 1."""

    magnitudes: Sequence[Range]
    balances: Sequence[Range]


def prepare(genome: Genome, parameters: Pcb) -> Ranges | None:
    """Ranges of whole models, as the authors take them."""
    if parameters.scope != "model":
        return None
    return _ranges(genome, parameters, sum(math.prod(view.shape) for view in genome.views()))


def measure(view: View, parameters: Pcb, whole: Ranges | None) -> Ranges:
    """Ranges of each matrix."""
    return whole or _ranges(view, parameters, math.prod(view.shape))


def _ranges(loci: Loci, parameters: Pcb, size: int) -> Ranges:
    # Order statistics, counted from the largest: the authors' sorted[int(q size)] and so on.
    low = size - int(size * parameters.clamp)
    high = min(size - int(size * (1 - parameters.clamp)) + 1, low)
    magnitudes = _statistics(loci, task_vectors, (low, high), size)
    floor = max(size - int(size * (1 - parameters.ratio)), 1)
    balances = _statistics(
        loci, lambda locus: _balances(locus, parameters, magnitudes), (floor, 1), size
    )
    return Ranges(magnitudes, balances)


def _statistics(loci: Loci, vectors: Vectors, counts: tuple[int, int], size: int) -> list[Range]:
    """Per vector, the magnitudes that so many elements reach."""
    number = len(loci.one(0).models)
    wanted = [density_of(count, size) for count in counts] * number
    cuts = largest(loci, lambda locus: [v for v in vectors(locus) for _ in counts], wanted)
    found = [smallest_kept(cut) for cut in cuts]
    return list(zip(found[::2], found[1::2], strict=True))


def _relative(vector: Tensor, bounds: Range) -> Tensor:
    """The magnitudes, clamped to the bounds and scaled to 0 .. 1; 1 if there is only one."""
    low, high = bounds
    if low == high:
        return as_numbers(vector.abs() >= low)
    return vector.abs().clamp_(low, high).sub_(low).div_(high - low)


def _balances(locus: Locus, parameters: Pcb, bounds: Sequence[Range]) -> list[Tensor]:
    """Per model, how large each element is times how far the models support it; 0 if they do not.

    The authors' exp(N m^2) is divided by exp(N), which later steps cancel and which could overflow.
    """
    vectors = task_vectors(locus)
    sizes = [_relative(v, pair) for v, pair in zip(vectors, bounds, strict=True)]
    own = [(size * size).sub_(1).mul_(len(vectors)).exp_() for size in sizes]
    if parameters.support == "raw":
        whole = total(vectors)
        support = [(vector * whole).tanh_() for vector in vectors]
    else:
        support = _support([a * v.sign() for a, v in zip(sizes, vectors, strict=True)])
    return [(a * b).clamp_(min=0) for a, b in zip(own, support, strict=True)]


def _support(signed: Sequence[Tensor]) -> list[Tensor]:
    """Per vector, the sum of the tanh of its products with each; every pair is computed once."""
    count = range(len(signed))
    pairs = {(i, j): (signed[i] * signed[j]).tanh_() for j in count for i in range(j + 1)}
    return [total([pairs[min(i, j), max(i, j)] for j in count]) for i in count]


def merge(locus: Locus, parameters: Pcb, ranges: Ranges) -> Tensor:
    """The base plus `scale` times the mean of the clamped task vectors, weighed by balance."""
    shares = [
        _relative(balance, bounds) if bounds[1] > 0 else balance
        for balance, bounds in zip(
            _balances(locus, parameters, ranges.magnitudes), ranges.balances, strict=True
        )
    ]
    parts = [
        vector.abs().clamp_(*bounds).mul_(vector.sign()).mul_(share)
        for vector, bounds, share in zip(
            task_vectors(locus), ranges.magnitudes, shares, strict=True
        )
    ]
    merged = weighted_sum(parts, weights_at(parameters.weights, locus))
    return onto_base(locus, parameters, divide(merged, total(shares)))


OPERATOR = Operator(
    "pcb",
    "task_vectors",
    BASE_AND_MODELS,
    Pcb,
    merge,
    prepare=prepare,
    measure=measure,
    check=check,
    paper="arXiv 2410.02396",
    symmetric=True,
)
