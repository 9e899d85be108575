"""Model Stock, and averages of the checkpoints of one run."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from speciate.errors import ConfigError
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]


@pytest.mark.parametrize("scope", ["tensor", "row"])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-30, 1e30])
@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([[1, 0], [0.5, math.sqrt(0.75)]], [0.5, 0.2886751]),
        ([[1, 0], [0, 2]], [0, 0]),
        ([[1, 2], [1, 2], [1, 2]], [1, 2]),
        ([[1, 0], [-0.5, 0]], [0, 0]),
        ([[1, 0], [0, 0]], [0, 0]),
        ([[0, 0], [0, 0]], [0, 0]),
    ],
)
def test_model_stock(
    merged: Merged, vectors: list[list[float]], expected: list[float], scope: str, scale: float
) -> None:
    """Regression: an absolute guard of the cosines makes short task vectors seem orthogonal."""
    models = [[scale * x for x in vector] for vector in vectors]
    result = merged("model_stock", {"base": [[0, 0]], "model": models}, scope=scope) / scale
    assert result.tolist() == pytest.approx(expected, abs=1e-6)


def test_model_stock_averages_cosines(merged: Merged) -> None:
    """Regression: angles of 90, 90 and 0 degrees have the mean 60, but cosines the mean 1/3."""
    roles = {"base": [[1.0, 1.0]], "model": [[2.0, 1.0], [2.0, 1.0], [1.0, 2.0]]}
    t = 3 * (1 / 3) / (1 + 2 * (1 / 3))
    expected = [1 + t * 2 / 3, 1 + t / 3]
    assert merged("model_stock", roles).tolist() == pytest.approx(expected, abs=1e-6)


def test_model_stock_of_three_at_sixty_degrees(merged: Merged) -> None:
    # Three vectors with all cosines 1/2: t = 3/4.
    models = [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    result = merged("model_stock", {"base": [[0.0] * 3], "model": models})
    assert result.tolist() == pytest.approx([0.5] * 3, abs=1e-6)


def test_model_stock_by_rows(apply: Apply) -> None:
    base = {"x": torch.zeros(2, 2)}
    models = [
        {"x": torch.tensor([[1.0, 0.0], [3.0, 3.0]])},
        {"x": torch.tensor([[0.0, 1.0], [3.0, 3.0]])},
    ]
    child = apply("model_stock", {"base": [base], "model": models}, scope="row")["x"]
    assert child.tolist() == [[0, 0], [3, 3]]


def test_model_stock_compares_models() -> None:
    recipe = Recipe("model_stock", (Parent("a", "base"), Parent("b", "model")), {}, 0)
    with pytest.raises(ConfigError, match="model_stock: takes two or more 'model' as parent"):
        validate(recipe)


def test_averages_of_a_run(merged: Merged) -> None:
    run = {"model": [[1.0], [2.0], [3.0]]}
    assert merged("sma", run).item() == 2
    assert merged("wma", run).item() == pytest.approx(14 / 6)
    assert merged("ema", run).item() == pytest.approx(1.56)
    assert merged("ema", {"model": run["model"][:2]}).item() == pytest.approx(1.2)
    assert merged("ema", {"model": run["model"][:1]}).item() == 1
    assert merged("ema", run, alpha=1).item() == 3
    assert merged("ema", run, alpha=0.5).item() == pytest.approx(2.25)


def test_ema_does_not_stall(merged: Merged) -> None:
    """Regression: in bfloat16 steps of alpha (x - e) below half a unit would change nothing."""
    run = {"model": [[1.0]] + [[1.0078125]] * 20}
    assert merged("ema", run, alpha=0.1).item() == pytest.approx(
        1.0078125 - 0.0078125 * 0.9**20, abs=1e-7
    )


@pytest.mark.parametrize("operator", ["sma", "ema", "wma"])
def test_checkpoints_that_do_not_change_are_their_average(apply: Apply, operator: str) -> None:
    model = {"x": torch.randn(50, generator=torch.Generator().manual_seed(0))}
    assert torch.equal(apply(operator, {"model": [model] * 7})["x"], model["x"])
