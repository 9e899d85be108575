"""Operators on task vectors, the differences between models and their base."""

from typing import Any

from speciate.population.operators.operator import Operator
from speciate.population.operators.task_vectors import (
    breadcrumbs,
    breadcrumbs_ties,
    compeft,
    consensus,
    dare_linear,
    dare_ties,
    della,
    della_linear,
    emr,
    lines,
    magmax,
    pcb,
    sce,
    tall_mask,
    task_arithmetic,
    ties,
    widen,
)

OPERATORS: tuple[Operator[Any, Any], ...] = (
    task_arithmetic.OPERATOR,
    ties.OPERATOR,
    dare_linear.OPERATOR,
    dare_ties.OPERATOR,
    della_linear.OPERATOR,
    della.OPERATOR,
    breadcrumbs.OPERATOR,
    breadcrumbs_ties.OPERATOR,
    magmax.OPERATOR,
    sce.OPERATOR,
    pcb.OPERATOR,
    tall_mask.OPERATOR,
    consensus.OPERATOR,
    lines.OPERATOR,
    compeft.OPERATOR,
    emr.OPERATOR,
    widen.OPERATOR,
)
