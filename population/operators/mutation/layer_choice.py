"""Crossover that takes each transformer block from one of the models."""

from torch import Tensor

from speciate.configs.operators.mutation import LayerChoice
from speciate.errors import ConfigError
from speciate.population.operators.operator import MODELS, Genome, Locus, Operator


def prepare(genome: Genome, parameters: LayerChoice) -> None:
    """Whether there is one choice for each block.

    Raises:
        ConfigError: There are more or fewer.
    """
    for view in genome.views():
        place, count = view.place, len(parameters.choice)
        if place.layer is not None and place.layers != count:
            raise ConfigError(
                f"layer_choice: choice: {count} given, but {place.name} is in a stack of "
                f"{place.layers} blocks; give one a block"
            )


def merge(locus: Locus, parameters: LayerChoice, _: None) -> Tensor:
    """The chosen model's weights as they are."""
    return locus.models[_chosen(locus, parameters)]


def _chosen(locus: Locus, parameters: LayerChoice) -> int:
    if locus.place.layer is not None:
        return parameters.choice[locus.place.layer]
    if locus.place.kind == "embedding":
        return parameters.choice[0] if parameters.before is None else parameters.before
    return parameters.choice[-1] if parameters.after is None else parameters.after


def check(parameters: LayerChoice, count: int) -> None:
    """Whether there are such models.

    Raises:
        ConfigError: A number is too large.
    """
    chosen = (*parameters.choice, parameters.before or 0, parameters.after or 0)
    if max(chosen) >= count:
        raise ConfigError(f"choice: there is no model {max(chosen)}; say 0 to {count - 1}")


OPERATOR: Operator[LayerChoice, None] = Operator(
    "layer_choice", "mutation", MODELS, LayerChoice, merge, prepare=prepare, check=check
)
