from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import BreedError

Merged = Callable[..., Tensor]

TWO = {"model": [[1.0, 2.0], [3.0, 6.0]]}


@pytest.mark.parametrize(
    ("weights", "normalize", "expected"),
    [
        (None, True, [2.0, 4.0]),
        ((1, 3), True, [2.5, 5.0]),
        ((2, 6), True, [2.5, 5.0]),
        ((1, 3), False, [10.0, 20.0]),
        ((2, -1), True, [-1.0, -2.0]),
        (None, False, [4.0, 8.0]),
    ],
)
def test_linear(merged: Merged, weights: Any, normalize: bool, expected: list[float]) -> None:
    assert merged("linear", TWO, weights=weights, normalize=normalize).tolist() == expected


def test_linear_with_all_weight_on_one_model_is_that_model(merged: Merged) -> None:
    # 0.1 + (1e8 - 0.1) is not 1e8 in float32 arithmetic, nor the other way round.
    roles = {"model": [[0.1, 1e8], [1e8, 0.1]]}
    assert torch.equal(merged("linear", roles, weights=(0, 1)), torch.tensor([1e8, 0.1]))
    assert torch.equal(merged("linear", roles, weights=(1, 0)), torch.tensor([0.1, 1e8]))


def test_linear_is_task_arithmetic_for_any_base(merged: Merged) -> None:
    base = {"base": [[7.0, -3.0]]}
    result = merged("task_arithmetic", TWO | base, weights=(0.25, 0.75))
    assert result.tolist() == pytest.approx([2.5, 5.0], abs=1e-6)


def test_linear_with_weights_that_cancel_at_some_place_is_told_in_one_line(apply: Any) -> None:
    """Regression: schedules that only cancel in one block were a ZeroDivisionError."""
    model = {f"model.layers.{n}.mlp.weight": torch.ones(2) for n in range(3)}
    schedules = ((1.0, 1.0), (1.0, -3.0))
    with pytest.raises(BreedError, match=r"sum to 0 at model\.layers\.1\.mlp\.weight"):
        apply("linear", {"model": [model, model]}, weights=schedules)
    apply("linear", {"model": [model, model]}, weights=schedules, normalize=False)
