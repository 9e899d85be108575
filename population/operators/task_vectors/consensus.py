"""Consensus merging ("Localizing task information", Wang et al., 2024, arXiv 2405.07813)."""

from torch import Tensor

from speciate.configs.operators.task_vectors import Consensus
from speciate.errors import ConfigError
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import as_numbers, total
from speciate.population.operators.task_vectors.tall_mask import check_localized, mask, summed
from speciate.population.operators.task_vectors.task_arithmetic import onto_base


def merge(locus: Locus, parameters: Consensus, _: None) -> Tensor:
    """The base plus `scale` times the sum, where it serves enough of the tasks."""
    whole = summed(locus, parameters)
    votes = total([mask(locus, parameters, whole, task) for task in range(len(locus.models))])
    return onto_base(locus, parameters, whole.mul_(as_numbers(votes >= parameters.votes)))


def check(parameters: Consensus, count: int) -> None:
    """One weight and one threshold a model, and no more votes than models.

    Raises:
        ConfigError: The numbers differ, or more votes are asked for than there can be.
    """
    check_localized(parameters, count)
    if parameters.votes > count:
        raise ConfigError(f"votes: {parameters.votes} of {count} models cannot be; nothing is left")


OPERATOR = Operator(
    "consensus",
    "task_vectors",
    BASE_AND_MODELS,
    Consensus,
    merge,
    check=check,
    paper="arXiv 2405.07813",
    symmetric=True,
)
