"""TIES: trim, elect signs, merge what agrees (Yadav et al., 2023, arXiv 2306.01708)."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.common import numbers
from speciate.configs.operators.task_vectors import Ties
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
from speciate.population.operators.stages import task_vectors, top_k_rows, trim
from speciate.population.operators.task_vectors.election import elect_and_merge, elected_majority
from speciate.population.operators.weighting import check_densities, check_weights, is_constant
from speciate.population.structure import Place, at

NOWHERE = Place("", "other", None, 0)


class Trimming(NamedTuple):
    """What is kept of each task vector, and the sign to elect where the kept ones cancel."""

    cuts: Sequence[Cut]
    majority: int


def prepare(genome: Genome, parameters: Ties) -> Trimming | None:
    """The largest elements of whole models, as the authors keep them."""
    return _trimming(genome, parameters, NOWHERE) if parameters.scope == "model" else None


def measure(view: View, parameters: Ties, whole: Trimming | None) -> Trimming:
    """The largest elements of each matrix or row."""
    return whole or _trimming(view, parameters, view.place)


def _trimming(loci: Loci, parameters: Ties, place: Place) -> Trimming:
    cuts: Sequence[Cut] = ()
    if parameters.scope != "row" and any(d < 1 for d in numbers(parameters.density)):
        count = len(loci.one(0).models)
        cuts = largest(loci, task_vectors, [at(parameters.density, place, n) for n in range(count)])
    majority = elected_majority(loci, parameters, lambda locus: _trimmed(locus, parameters, cuts))
    return Trimming(cuts, majority)


def _trimmed(locus: Locus, parameters: Ties, cuts: Sequence[Cut]) -> list[Tensor]:
    vectors = task_vectors(locus)
    if cuts:
        return [cut.trim(locus, vector) for cut, vector in zip(cuts, vectors, strict=True)]
    if parameters.scope != "row":
        return vectors
    densities = [at(parameters.density, locus.place, n) for n in range(len(vectors))]
    return [
        vector if density == 1 else trim(vector, top_k_rows(vector, density))
        for vector, density in zip(vectors, densities, strict=True)
    ]


def merge(locus: Locus, parameters: Ties, trimming: Trimming) -> Tensor:
    """The base plus `scale` times what is made of the trimmed task vectors that agree in sign."""
    trimmed = _trimmed(locus, parameters, trimming.cuts)
    return elect_and_merge(locus, parameters, trimmed, trimming.majority)


def check(parameters: Ties, count: int) -> None:
    """One weight and one density a model.

    Raises:
        ConfigError: The numbers differ, or the density varies within the scope it is sought in.
    """
    check_weights(parameters.weights, count)
    check_densities(parameters.density, count)
    if parameters.scope == "model" and not is_constant(parameters.density):
        raise ConfigError('density: varies over the model; set scope = "tensor" or "row"')


def grain(parameters: Ties) -> Grain:
    """Rows, where the largest are sought in each row."""
    return Grain.ROW if parameters.scope == "row" else Grain.ELEMENT


OPERATOR = Operator(
    "ties",
    "task_vectors",
    BASE_AND_MODELS,
    Ties,
    merge,
    grain=grain,
    prepare=prepare,
    measure=measure,
    check=check,
    paper="arXiv 2306.01708",
    # What is dropped is shrunk or multiplied by 0, which leaves NaN.
    dense=True,
    symmetric=True,
)
