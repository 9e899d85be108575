"""DELLA ("DELLA-Merging", Deep et al., 2024, arXiv 2406.11617): MagPrune, elect, average."""

from functools import partial

from speciate.configs.operators.task_vectors import Della
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Operator
from speciate.population.operators.task_vectors import dare_ties
from speciate.population.operators.task_vectors.della_linear import check, dropped

OPERATOR = Operator(
    "della",
    "task_vectors",
    BASE_AND_MODELS,
    Della,
    partial(dare_ties.merge, drop=dropped),
    grain=Grain.ROW,
    measure=partial(dare_ties.measure, drop=dropped),
    check=check,
    paper="arXiv 2406.11617",
    symmetric=True,
)
