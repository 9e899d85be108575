from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor

Merged = Callable[..., Tensor]


@pytest.mark.parametrize(
    ("models", "parameters", "expected"),
    [
        ([[1, 0], [0, 2]], {"scale": 0.3}, [0.3, 0.6]),
        ([[1, 0], [0, 2]], {"scale": 0.5}, [0.5, 1]),
        ([[1, 0], [0, 2]], {"weights": (1, -1)}, [1, -2]),
        ([[3, 5]], {}, [3, 5]),
        ([[3, 5]], {"weights": (-1,)}, [-3, -5]),
    ],
)
def test_task_arithmetic(
    merged: Merged, models: Any, parameters: Any, expected: list[float]
) -> None:
    roles = {"base": [[0, 0]], "model": models}
    assert merged("task_arithmetic", roles, **parameters).tolist() == pytest.approx(
        expected, abs=1e-6
    )
