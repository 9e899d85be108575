"""TIES: trim, elect signs, merge what agrees (Yadav et al., 2023, arXiv 2306.01708)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from torch import Tensor

from speciate.configs.operators import Ties
from speciate.population.operators.model_scope import model_cuts
from speciate.population.operators.operator import Locus, Operator, Source, Sources
from speciate.population.operators.stages import (
    Cut,
    agreeing_mean,
    top_k,
    top_k_rows,
    trim,
)
from speciate.population.operators.task_arithmetic import (
    ROLES,
    check,
    onto_base,
    task_vectors,
    weights_of,
)

# One mapping a model, from tensor names; None where tensors or rows are trimmed by themselves.
Cuts = Sequence[Mapping[str, Cut]] | None


def prepare(sources: Sources, parameters: Ties) -> Cuts:
    """The exact cuts of every model, where the largest elements are sought in the whole model."""
    if parameters.scope != "model" or parameters.density == 1:
        return None
    (base,) = sources["base"]
    return [
        model_cuts(partial(_vectors, base, model), parameters.density) for model in sources["model"]
    ]


def _vectors(base: Source, model: Source) -> Iterator[tuple[str, Tensor]]:
    for name in sorted(base.names):
        if base.tensor(name).is_floating_point():
            yield name, model.tensor(name).float() - base.tensor(name).float()


def merge(locus: Locus, parameters: Ties, cuts: Cuts) -> Tensor:
    """The base plus `scale` times the mean of the trimmed task vectors that agree in sign."""
    vectors = task_vectors(locus)
    masks = _masks(locus.name, vectors, parameters, cuts)
    trimmed = [trim(vector, mask) for vector, mask in zip(vectors, masks, strict=True)]
    return onto_base(locus, parameters, agreeing_mean(trimmed, weights_of(locus, parameters)))


def _masks(name: str, vectors: list[Tensor], parameters: Ties, cuts: Cuts) -> list[Tensor]:
    if cuts is not None:
        return [cut[name].mask(vector) for cut, vector in zip(cuts, vectors, strict=True)]
    select = top_k_rows if parameters.scope == "row" else top_k
    return [select(vector, parameters.density) for vector in vectors]


OPERATOR = Operator("ties", ROLES, Ties, merge, prepare, check)
