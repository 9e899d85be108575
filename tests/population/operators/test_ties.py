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


@pytest.mark.parametrize("scope", ["model", "tensor", "row"])
def test_ties_elects_and_averages(merged: Merged, scope: str) -> None:
    assert merged("ties", TIES, density=1, scope=scope).tolist() == [2, -4, 2, 0]
    # Scale 0.5, and the base is added back.
    shifted = {"base": [[1.0] * 4], "model": [[x + 1 for x in m] for m in TIES["model"]]}
    assert merged("ties", shifted, density=1, scope=scope, scale=0.5).tolist() == [2, -1, 2, 1]


def test_ties_weights_elect_and_average(merged: Merged) -> None:
    result = merged("ties", TIES, density=1, weights=(1, 3, 1))
    # Sums: 3 - 6 + 1 = -2, -12 + 2 = -10, 2.
    assert result.tolist() == [-2, -4, 2, 0]


@pytest.mark.parametrize("scope", ["model", "tensor", "row"])
def test_ties_keeps_exactly_the_rounded_down_count(merged: Merged, scope: str) -> None:
    """Regression: the authors keep int(dK) + 1, all equal magnitudes, and cannot keep 100%."""
    values = [1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    roles = {"base": [[0.0] * 10], "model": [values]}
    for density, count in ((0.05, 0), (0.1, 1), (0.35, 3), (0.999, 9), (1.0, 10)):
        result = merged("ties", roles, density=density, scope=scope)
        assert result.tolist() == values[:count] + [0] * (10 - count)


def test_ties_same_signs_and_all_kept_is_the_mean(merged: Merged) -> None:
    assert merged(
        "ties", {"base": [[0, 0]], "model": [[1, 2], [3, 6]]}, density=1.0
    ).tolist() == pytest.approx([2, 4], abs=1e-6)


def test_ties_exact_cancellation_takes_the_majority(merged: Merged) -> None:
    """Regression: counting a zero sum as positive would keep the +1 here."""
    roles = {"base": [[0.0] * 4], "model": [[1.0, -2.0, -3.0, 4.0], [-1.0, -2.0, -3.0, 4.0]]}
    assert merged("ties", roles, density=1.0).tolist() == [-1, -2, -3, 4]
    flipped = {"base": [[0.0] * 4], "model": [[-x for x in m] for m in roles["model"]]}
    assert merged("ties", flipped, density=1.0).tolist() == [1, 2, 3, -4]
    even = {"base": [[0.0] * 3], "model": [[1.0, -2.0, 3.0], [-1.0, -2.0, 3.0]]}
    assert merged("ties", even, density=1.0).tolist() == [0, -2, 3]


def test_scope_of_ties_matters(apply: Apply) -> None:
    """Regression: whole model, tensor and row are three operators."""
    base = {"big": torch.zeros(2, 2), "small": torch.zeros(2, 2)}
    model = {"big": torch.tensor([[4.0, 3], [2, 1]]), "small": torch.tensor([[0.2, 0.3], [0.4, 0]])}
    kept = {
        scope: {
            name: tensor.tolist()
            for name, tensor in apply(
                "ties", {"base": [base], "model": [model]}, density=0.5, scope=scope
            ).items()
        }
        for scope in ("model", "tensor", "row")
    }
    rounded = model["small"].tolist()
    assert kept["model"] == {"big": [[4, 3], [2, 1]], "small": [[0, 0], [0, 0]]}
    assert kept["tensor"] == {
        "big": [[4, 3], [0, 0]],
        "small": [[0, rounded[0][1]], [rounded[1][0], 0]],
    }
    assert kept["row"] == {
        "big": [[4, 0], [2, 0]],
        "small": [[0, rounded[0][1]], [rounded[1][0], 0]],
    }
