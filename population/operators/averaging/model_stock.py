"""Model Stock: the base and a few fine-tuned models (Jang et al., 2024, arXiv 2403.19522)."""

from itertools import combinations

import torch
from torch import Tensor

from speciate.configs.operators.averaging import ModelStock
from speciate.errors import ConfigError
from speciate.population.operators.averaging.sphere import products_along, vectors
from speciate.population.operators.measures import inner_products
from speciate.population.operators.operator import BASE_AND_MODELS, Grain, Locus, Operator, View
from speciate.population.operators.stages import divide, task_vectors, total


def interpolation(products: Tensor) -> Tensor:
    """How far to go from the base to the mean of N models: N c / (1 + (N - 1) c), from 0 to 1.

    Args:
        products: Inner products (N, N, ...) of the task vectors, float64. Their pairs have the
            mean cosine c; zero vectors agree with none. Below 0 it counts as 0.
    """
    count = len(products)
    norms = [products[i, i].sqrt() for i in range(count)]
    pairs = list(combinations(range(count), 2))
    cosines = [divide(products[i, j], norms[i] * norms[j]) for i, j in pairs]
    mean = (total(cosines) / len(pairs)).clamp(0, 1)
    return count * mean / (1 + (count - 1) * mean)


def measure(view: View, parameters: ModelStock, _: None) -> Tensor | None:
    """How far to go, in the whole tensor; rows are measured when they are merged."""
    if parameters.scope == "row":
        return None
    return interpolation(torch.from_numpy(inner_products(view, vectors)))


def merge(locus: Locus, _: ModelStock, t: Tensor | None) -> Tensor:
    """The base plus t times the mean of the task vectors."""
    items = task_vectors(locus)
    t = interpolation(products_along(items, -1)) if t is None else t
    return locus.base + total(items) * (t / len(items)).float().to(locus.base.device)


def check(_: ModelStock, count: int) -> None:
    """Models to compare.

    Raises:
        ConfigError: There is only one.
    """
    if count < 2:
        raise ConfigError("takes two or more 'model' as parent, not 1")


def grain(parameters: ModelStock) -> Grain:
    """Rows, where these are measured each."""
    return Grain.ROW if parameters.scope == "row" else Grain.ELEMENT


OPERATOR = Operator(
    "model_stock",
    "averaging",
    BASE_AND_MODELS,
    ModelStock,
    merge,
    grain=grain,
    measure=measure,
    check=check,
    paper="arXiv 2403.19522",
    symmetric=True,
)
