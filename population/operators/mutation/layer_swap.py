"""Layer swapping for cross-lingual transfer (Bandarkar et al., 2024, arXiv 2410.01335)."""

from torch import Tensor

from speciate.configs.operators.mutation import LayerSwap
from speciate.errors import ConfigError
from speciate.population.operators.operator import ONE, Genome, Locus, Operator
from speciate.population.operators.stages import weighted_mean
from speciate.population.structure import Place


def prepare(genome: Genome, parameters: LayerSwap) -> None:
    """Whether the model has blocks enough.

    Raises:
        ConfigError: It has fewer than are to be swapped and averaged.
    """
    outer = parameters.bottom + parameters.top
    outer += parameters.bottom_transition + parameters.top_transition
    for view in genome.views():
        if view.place.layer is not None and view.place.layers < outer:
            raise ConfigError(
                f"layer_swap: bottom, top and transitions are {outer} blocks, but "
                f"{view.place.name} is in a stack of {view.place.layers}; lower them"
            )


def merge(locus: Locus, parameters: LayerSwap, _: None) -> Tensor:
    """The language expert at both ends, the task expert inside, the mean where they meet."""
    (language,), (task,) = locus.tensors["language"], locus.tensors["task"]
    share = language_share(locus.place, parameters)
    if share == 0.5:
        return weighted_mean((task, language), (0.5, 0.5))
    return language if share else task


def language_share(place: Place, parameters: LayerSwap) -> float:
    """1 for the language expert, 0 for the task expert, 1/2 for the mean.

    Embeddings go with the bottom blocks, the last norm and the head with the top ones.
    """
    if place.layer is None:
        whole = 0 < place.layers <= parameters.bottom
        outer = parameters.bottom if place.kind == "embedding" else parameters.top or whole
        return 1.0 if outer else 0.0
    below, above = place.layer, place.layers - 1 - place.layer
    if below < parameters.bottom or above < parameters.top:
        return 1.0
    near = below - parameters.bottom < parameters.bottom_transition
    return 0.5 if near or above - parameters.top < parameters.top_transition else 0.0


OPERATOR: Operator[LayerSwap, None] = Operator(
    "layer_swap",
    "mutation",
    {"language": ONE, "task": ONE},
    LayerSwap,
    merge,
    prepare=prepare,
    paper="arXiv 2410.01335",
)
