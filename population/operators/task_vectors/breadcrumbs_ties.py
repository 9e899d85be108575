"""Breadcrumbs' sparse task vectors (arXiv 2312.06795), combined as TIES does (2306.01708)."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.task_vectors import BreadcrumbsTies
from speciate.population.operators.operator import BASE_AND_MODELS, Locus, Operator, View
from speciate.population.operators.task_vectors.breadcrumbs import (
    Band,
    bands,
    check,
    crumbs,
    grain,
)
from speciate.population.operators.task_vectors.election import elect_and_merge, elected_majority


class Facts(NamedTuple):
    """What is kept of each task vector, and the sign to elect where it cancels."""

    kept: Sequence[Band]
    majority: int


def measure(view: View, parameters: BreadcrumbsTies, _: None) -> Facts:
    """What is kept, and then the votes of what is kept."""
    kept = bands(view, parameters)
    majority = elected_majority(view, parameters, lambda locus: crumbs(locus, parameters, kept))
    return Facts(kept, majority)


def merge(locus: Locus, parameters: BreadcrumbsTies, facts: Facts) -> Tensor:
    """The base plus `scale` times what is made of the kept elements that agree in sign."""
    return elect_and_merge(locus, parameters, crumbs(locus, parameters, facts.kept), facts.majority)


OPERATOR = Operator(
    "breadcrumbs_ties",
    "task_vectors",
    BASE_AND_MODELS,
    BreadcrumbsTies,
    merge,
    grain=grain,
    measure=measure,
    check=check,
    paper="arXiv 2312.06795 and 2306.01708",
    symmetric=True,
)
