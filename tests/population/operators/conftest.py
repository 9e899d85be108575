"""A child of models that are one tensor each, for examples worked by hand."""

from collections.abc import Callable, Mapping, Sequence

import pytest
import torch
from torch import Tensor


@pytest.fixture
def merged(apply: Callable[..., dict[str, Tensor]]) -> Callable[..., Tensor]:
    """Takes lists of numbers by role."""

    def merge(
        operator: str, roles: Mapping[str, Sequence[Sequence[float]]], **parameters: object
    ) -> Tensor:
        models = {
            role: [{"x": torch.tensor(values, dtype=torch.float32)} for values in lists]
            for role, lists in roles.items()
        }
        return apply(operator, models, **parameters)["x"]

    return merge
