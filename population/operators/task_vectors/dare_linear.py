"""DARE, drop and rescale ("Language models are super Mario", Yu et al., 2023, arXiv 2311.03099)."""

from torch import Tensor

from speciate.configs.operators.task_vectors import DareLinear, Dropped
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator, View
from speciate.population.operators.stages import drop_and_rescale, trim
from speciate.population.operators.task_vectors.dropping import (
    Drop,
    Drops,
    norm_factors,
    sparse_task_vectors,
)
from speciate.population.operators.task_vectors.task_arithmetic import combined, onto_base
from speciate.population.operators.weighting import check_densities, check_weights
from speciate.population.structure import at


def dropped(locus: Locus, parameters: Dropped, number: int, vector: Tensor) -> Tensor:
    """A task vector whose elements are all kept with the same probability."""
    density, stream = at(parameters.density, locus.place, number), locus.stream(number)
    if density == 1:
        return vector
    if parameters.rescale == "inverse":
        return drop_and_rescale(vector, density, stream)
    return trim(vector, stream.bernoulli(vector.shape, density).to(vector.device))


def measure(view: View, parameters: DareLinear, _: None, drop: Drop = dropped) -> Drops:
    """The factors that restore norms, if asked for."""
    return Drops(norm_factors(view, parameters, drop))


def merge(locus: Locus, parameters: DareLinear, drops: Drops, drop: Drop = dropped) -> Tensor:
    """The base plus `scale` times the weighted sum of the sparse task vectors."""
    sparse = sparse_task_vectors(locus, parameters, drop, drops.factors)
    return onto_base(locus, parameters, combined(locus, parameters, sparse))


def check(parameters: Dropped, count: int) -> None:
    """One weight and one density a model.

    Raises:
        ConfigError: The numbers differ.
    """
    check_weights(parameters.weights, count)
    check_densities(parameters.density, count)


OPERATOR = Operator(
    "dare_linear",
    "task_vectors",
    BASE_AND_MODELS,
    DareLinear,
    merge,
    measure=measure,
    check=check,
    paper="arXiv 2311.03099",
    # What is dropped is multiplied by 0, which leaves NaN.
    dense=True,
    symmetric=True,
)
