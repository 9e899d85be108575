import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]

TIES = {
    "base": [[0.0] * 4],
    "model": [[3.0, 0.0, 2.0, 0.0], [-2.0, -4.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]],
}


def test_dare_rescales_by_the_density_not_by_the_norm(merged: Merged) -> None:
    """Regression: matching the L1 norm would give [2.5, 0, 7.5, 0] instead of [2, 0, 6, 0]."""
    roles = {"base": [[0.0] * 4], "model": [[1.0, 2.0, 3.0, 4.0]]}
    kept = merged("dare_linear", roles, density=0.5)
    assert set((kept / torch.tensor([1.0, 2.0, 3.0, 4.0])).tolist()) == {0, 2}


@pytest.mark.parametrize("operator", ["dare_linear", "dare_ties"])
def test_dare_is_unbiased(apply: Apply, operator: str) -> None:
    size, density = 40_000, 0.2
    roles = {"base": [{"x": torch.zeros(size)}], "model": [{"x": torch.ones(size)}]}
    result = apply(operator, roles, density=density)["x"]
    kept = result.count_nonzero() / size
    assert abs(kept - density) < 4 * math.sqrt(density * (1 - density) / size)
    assert abs(result.mean() - 1) < 4 * math.sqrt((1 - density) / density / size)


def test_dare_draws_another_mask_for_each_model_and_tensor(apply: Apply) -> None:
    ones, zeros = torch.ones(400), torch.zeros(400)
    roles = {"base": [{"x": zeros, "y": zeros}], "model": [{"x": ones, "y": ones}] * 2}
    child = apply("dare_linear", roles, density=0.5)
    assert set(child["x"].tolist()) == {0, 2, 4}
    assert not torch.equal(child["x"], child["y"])
    assert not torch.equal(child["x"], apply("dare_linear", roles, seed=1, density=0.5)["x"])
    assert torch.equal(child["x"], apply("dare_linear", roles, seed=0, density=0.5)["x"])


def test_dare_that_keeps_all_is_its_relative(merged: Merged) -> None:
    for dare, plain in (("dare_linear", "task_arithmetic"), ("dare_ties", "ties")):
        same = {} if plain == "task_arithmetic" else {"density": 1.0}
        expected = merged(plain, TIES, scale=0.7, weights=(1, 2, 3), **same)
        result = merged(dare, TIES, scale=0.7, weights=(1, 2, 3), density=1.0)
        assert torch.equal(result, expected)
