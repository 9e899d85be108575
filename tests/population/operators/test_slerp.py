import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Merged = Callable[..., Tensor]

HALF = math.sqrt(0.5)


@pytest.mark.parametrize(
    ("first", "second", "t", "expected"),
    [
        ([1, 0], [0, 1], 0.5, [HALF, HALF]),
        ([1, 0], [0, 1], 0.25, [0.9238795, 0.3826834]),
        ([2, 0], [0, 1], 0.5, [2 * HALF, HALF]),
        ([1, 0], [-1, 0], 0.5, [0, 0]),
        ([1, 0], [-1, 0], 0.25, [0.5, 0]),
        ([0, 0], [3, 4], 0.25, [0.75, 1]),
        ([0, 0], [0, 0], 0.5, [0, 0]),
        ([1, 0], [1, 0.001], 0.5, [1, 0.0005]),
    ],
)
def test_slerp(
    merged: Merged, first: list[float], second: list[float], t: float, expected: list[float]
) -> None:
    assert merged("slerp", {"model": [first, second]}, t=t).tolist() == pytest.approx(
        expected, abs=1e-6
    )


def test_slerp_ends_are_exact(merged: Merged) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 1000, generator=generator).tolist()
    for other in (second, [1.01 * x for x in first], [-x for x in first]):
        roles = {"model": [first, other]}
        assert torch.equal(merged("slerp", roles, t=0.0), torch.tensor(first))
        assert torch.equal(merged("slerp", roles, t=1.0), torch.tensor(other))


def test_slerp_is_bounded_near_antiparallel(merged: Merged) -> None:
    """Regression: the antiparallel case of some implementations grows to about 1e7."""
    generator = torch.Generator().manual_seed(1)
    first = torch.randn(1000, generator=generator)
    for noise in (0.0, 1e-7, 1e-4, 0.03, 0.1):
        second = -first + noise * torch.randn(1000, generator=generator)
        for t in (0.1, 0.5, 0.9):
            result = merged("slerp", {"model": [first.tolist(), second.tolist()]}, t=t)
            assert result.norm() <= 1.01 * max(first.norm(), second.norm())


def test_slerp_keeps_the_norm_of_equal_norms(merged: Merged) -> None:
    generator = torch.Generator().manual_seed(2)
    pair = torch.nn.functional.normalize(torch.randn(2, 500, generator=generator)) * 3
    for t in (0.1, 0.3, 0.8):
        assert merged("slerp", {"model": pair.tolist()}, t=t).norm().item() == pytest.approx(3)
