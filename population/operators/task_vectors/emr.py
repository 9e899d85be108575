"""EMR: elect, mask, rescale ("EMR-Merging", Huang et al., 2024, arXiv 2405.17461)."""

import math

import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import Emr
from speciate.population.operators.operator import BASE_AND_MODELS, Genome, Locus, Operator
from speciate.population.operators.stages import as_numbers, task_vectors
from speciate.population.operators.task_vectors.election import agreeing_largest
from speciate.population.operators.task_vectors.tall_mask import check_task
from speciate.population.operators.task_vectors.task_arithmetic import onto_base


def unified(locus: Locus) -> Tensor:
    """The elected signs times the largest magnitudes that agree; 0 where the sum is 0."""
    return agreeing_largest(task_vectors(locus))


def masked(locus: Locus, task: int) -> Tensor:
    """The unified vector where it has the sign of a task's own."""
    whole = unified(locus)
    vector = locus.models[task] - locus.base
    return as_numbers((vector * whole.sign()) > 0).mul_(whole)


def prepare(genome: Genome, parameters: Emr) -> float:
    """How much larger the task's own vector is than its part of the unified one."""
    task = parameters.task
    if task is None:
        return 1.0

    def norms(locus: Locus) -> tuple[float, float]:
        return _l1_norm(locus.models[task] - locus.base), _l1_norm(masked(locus, task))

    own, ours = (math.fsum(column) for column in zip(*genome.map(norms), strict=True))
    return own / ours if ours else 1.0


def _l1_norm(vector: Tensor) -> float:
    return float(vector.abs().sum(dtype=torch.float64))


def merge(locus: Locus, parameters: Emr, rescale: float) -> Tensor:
    """The base plus `scale` times the unified task vector, or the task's part of it, rescaled."""
    if parameters.task is None:
        return onto_base(locus, parameters, unified(locus))
    return onto_base(locus, parameters, masked(locus, parameters.task).mul_(rescale))


def check(parameters: Emr, count: int) -> None:
    """Whether there is such a task.

    Raises:
        ConfigError: There is none.
    """
    check_task(parameters.task or 0, count)


OPERATOR = Operator(
    "emr",
    "task_vectors",
    BASE_AND_MODELS,
    Emr,
    merge,
    prepare=prepare,
    check=check,
    paper="arXiv 2405.17461",
)
