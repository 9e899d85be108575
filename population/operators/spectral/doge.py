"""DOGE task arithmetic, adaptive projective gradient descent (arXiv 2501.01230)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from speciate.configs.operators.spectral import Doge
from speciate.errors import ConfigError
from speciate.population.operators.operator import (
    BASE_AND_MODELS,
    Genome,
    Grain,
    Loci,
    Locus,
    Operator,
    View,
)
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.spectral.adam import minimised
from speciate.population.operators.spectral.combine import onto_base
from speciate.population.operators.spectral.svd import is_matrix, svd
from speciate.population.operators.stages import dot, task_vectors, total, trim, weighted_sum
from speciate.population.operators.weighting import is_constant
from speciate.population.structure import Place, at

R = TypeVar("R")

_ANYWHERE = Place("", "other", None, 0)
_GLIMPSE = 1 << 9


@dataclass(frozen=True)
class Sampled:
    """Loci that are whole matrices, of which `largest` can look at some elements all the same."""

    loci: Loci

    def map(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of every matrix."""
        return self.loci.map(function)

    def sample(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of a short run of elements of every matrix."""
        return self.loci.map(lambda locus: function(_glimpse(locus)))

    def one(self, index: int) -> Locus:
        """The matrix of this number."""
        return self.loci.one(index)


def _glimpse(locus: Locus) -> Locus:
    size = locus.shape.numel()
    start = (size - min(_GLIMPSE, size)) // 2
    tensors = {
        role: tuple(tensor.reshape(-1)[start : start + _GLIMPSE] for tensor in found)
        for role, found in locus.tensors.items()
    }
    return replace(locus, start=start, tensors=tensors)


def prepare(genome: Genome, parameters: Doge) -> Sequence[Cut]:
    """The largest elements of whole models, as the authors keep them."""
    return _cuts(genome, parameters, _ANYWHERE) if parameters.scope == "model" else ()


def measure(view: View, parameters: Doge, whole: Sequence[Cut]) -> Sequence[Cut]:
    """The largest elements of each matrix."""
    return whole if parameters.scope == "model" else _cuts(view, parameters, view.place)


def _cuts(loci: Loci, parameters: Doge, place: Place) -> Sequence[Cut]:
    density = at(parameters.density, place)
    if density == 1:
        return ()
    return largest(Sampled(loci), task_vectors, [density] * len(loci.one(0).models))


def merge(locus: Locus, parameters: Doge, cuts: Sequence[Cut]) -> Tensor:
    """The base plus `scale` times the sum of l_i M_i (tau_i + delta), l_i = eta / |tau_i|."""
    vectors = task_vectors(locus)
    norms = [math.sqrt(dot(vector, vector)) for vector in vectors]
    unit = math.fsum(norms) / len(norms) if parameters.units == "task_vectors" else 1.0
    factors = [parameters.eta * unit / norm if norm > 0 else 0.0 for norm in norms]
    moved = vectors
    if parameters.steps and any(factors) and is_matrix(locus, parameters.embeddings):
        scaled = [vector / unit for vector in vectors]
        delta = correction(scaled, factors, parameters) * unit
        moved = [vector + delta for vector in vectors]
    if cuts:
        masks = [cut.mask(locus, vector) for cut, vector in zip(cuts, vectors, strict=True)]
        moved = [trim(vector, mask) for vector, mask in zip(moved, masks, strict=True)]
    return onto_base(locus, parameters, weighted_sum(moved, factors))


def correction(vectors: Sequence[Tensor], factors: Sequence[float], parameters: Doge) -> Tensor:
    """The delta that lowers sum_j sum_rows <tau_j, tau_j - sum_i l_i (tau_i + delta)>^2.

    Args:
        vectors: The tau_i, of one shape (rows, columns).
        factors: The l_i.
        parameters: Steps, learning rate, and what part of the directions is protected.
    """
    basis = shared_basis(vectors, parameters.subspace).float()
    merged, whole = weighted_sum(vectors, factors), math.fsum(factors)

    def outside(x: Tensor) -> Tensor:
        return x - basis @ (basis.T @ x)

    def gradient(delta: Tensor) -> Tensor:
        child = merged + delta * whole
        misses = [(tau * (tau - child)).sum(dim=1, keepdim=True) for tau in vectors]
        return outside(
            total([tau * miss for tau, miss in zip(vectors, misses, strict=True)]) * (-2 * whole)
        )

    project = outside if parameters.orthogonal else lambda x: x
    start = torch.zeros_like(merged)
    return minimised(start, gradient, parameters.steps, parameters.learning_rate, project)


def shared_basis(vectors: Sequence[Tensor], fraction: float) -> Tensor:
    """Orthonormal columns (rows, k) that span what the leading left singular vectors share."""
    rank = min(vectors[0].shape)
    leading = [svd(vector).left[:, : rank // len(vectors)] for vector in vectors]
    return svd(torch.cat(leading, dim=1)).left[:, : int(rank * fraction)]


def check(parameters: Doge, _: int) -> None:
    """A density that can be sought in its scope.

    Raises:
        ConfigError: It varies over the model although the scope is the model.
    """
    if parameters.scope == "model" and not is_constant(parameters.density):
        raise ConfigError('density: varies over the model; set scope = "tensor"')


OPERATOR: Operator[Doge, Sequence[Cut]] = Operator(
    "doge",
    "spectral",
    BASE_AND_MODELS,
    Doge,
    merge,
    grain=Grain.MATRIX,
    prepare=prepare,
    measure=measure,
    check=check,
    paper="arXiv 2501.01230",
    symmetric=True,
)
