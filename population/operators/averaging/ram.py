"""RAM, reinforced agent merging (Yuan et al., 2026, arXiv 2601.13572)."""

from collections.abc import Sequence

from torch import Tensor

from speciate.configs.operators.averaging import Ram
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator
from speciate.population.operators.stages import divide, task_vectors, total, trim
from speciate.population.structure import at


def activity(locus: Locus, parameters: Ram) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Task vectors, masks of where each is active, and how many are active (float32)."""
    threshold = at(parameters.threshold, locus.place)
    items = task_vectors(locus)
    masks = [item.abs() > threshold for item in items]
    return items, masks, total([mask.float() for mask in masks])


def mean_of_active(items: Sequence[Tensor], masks: Sequence[Tensor], counts: Tensor) -> Tensor:
    """Combine: the mean of what is active; 0 where nothing is."""
    kept = [trim(item, mask) for item, mask in zip(items, masks, strict=True)]
    return divide(total(kept), counts)


def merge(locus: Locus, parameters: Ram, _: None) -> Tensor:
    """The base plus, for each element, the mean of the task vectors that are active there."""
    return locus.base + mean_of_active(*activity(locus, parameters))


OPERATOR = Operator(
    "ram",
    "averaging",
    BASE_AND_MODELS,
    Ram,
    merge,
    paper="arXiv 2601.13572",
    symmetric=True,
)
