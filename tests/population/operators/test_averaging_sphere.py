"""Means on spheres: nuslerp, multislerp and karcher."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.errors import BreedError, ConfigError
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]

HALF = math.sqrt(0.5)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
seeds = st.integers(0, 2**32)


def randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def near(one: Tensor, two: Tensor, tolerance: float = 1e-5) -> bool:
    return torch.allclose(one, two, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("first", "second", "weights", "expected"),
    [
        ([1, 0], [0, 1], None, [HALF, HALF]),
        ([1, 0], [0, 1], (3, 1), [0.9238795, 0.3826834]),
        ([2, 0], [0, 1], (1, 1), [2 * HALF, HALF]),
        ([1, 0], [-1, 0], (1, 1), [0, 0]),
        ([2, 0], [-1, 0], (1, 1), [0.5, 0]),
        ([0, 0], [3, 4], (3, 1), [0.75, 1]),
        ([0, 0], [0, 0], (3, 1), [0, 0]),
        ([3, 1], [5, 7], (0, 2), [5, 7]),
    ],
)
def test_nuslerp(
    merged: Merged, first: list[float], second: list[float], weights: Any, expected: list[float]
) -> None:
    roles = {"model": [first, second]}
    for axis in ("tensor", "row", "column"):  # A vector is one vector, whatever the axis.
        result = merged("nuslerp", roles, weights=weights, axis=axis)
        assert result.tolist() == pytest.approx(expected, abs=1e-6)
    shift = [1.0, -2.0]
    shifted = {
        "base": [shift],
        "model": [[x + y for x, y in zip(m, shift, strict=True)] for m in (first, second)],
    }
    result = merged("nuslerp", shifted, weights=weights)
    assert (result - torch.tensor(shift)).tolist() == pytest.approx(expected, abs=1e-6)


@few
@given(seeds, st.floats(0, 1))
def test_nuslerp_of_whole_tensors_without_base_is_slerp(
    merged: Merged, seed: int, t: float
) -> None:
    roles = {"model": randn(seed, 2, 9).tolist()}
    assert near(
        merged("nuslerp", roles, weights=(1 - t, t)), merged("slerp", roles, t=t), tolerance=1e-6
    )


@pytest.mark.parametrize("axis", ["tensor", "row", "column"])
def test_nuslerp_is_bounded_for_opposite_vectors(merged: Merged, apply: Apply, axis: str) -> None:
    """Regression: with [2, 0] and [-1, 0] the published code gives about [-1.1e7, 0]."""
    assert merged("nuslerp", {"model": [[2, 0], [-1, 0]]}, axis=axis).tolist() == [0.5, 0]
    first = randn(1, 40, 30)
    for noise in (0.0, 1e-7, 1e-5, 1e-3):
        for factor in (1.0, 0.3, 1 / 3):
            second = -factor * first * (1 + noise * randn(2, 40, 30))
            for dtype in (torch.float32, torch.bfloat16):
                pair = [{"x": first.to(dtype).float()}, {"x": second.to(dtype).float()}]
                for weights in ((1, 1), (9, 1), (1, 9)):
                    result = apply("nuslerp", {"model": pair}, weights=weights, axis=axis)["x"]
                    assert result.norm() <= 1.001 * max(pair[0]["x"].norm(), pair[1]["x"].norm())


def test_axis_of_nuslerp_says_what_has_a_direction(apply: Apply, merged: Merged) -> None:
    """Regression: the published flag `row_wise` means columns."""
    first, second = randn(3, 2, 5, 4)
    models = [{"x": first}, {"x": second}]

    def child(axis: str) -> Tensor:
        return apply("nuslerp", {"model": models}, weights=(2, 1), axis=axis)["x"]

    def slerp(a: Tensor, b: Tensor) -> Tensor:
        return merged("slerp", {"model": [a.tolist(), b.tolist()]}, t=1 / 3)

    rows = torch.stack([slerp(a, b) for a, b in zip(first, second, strict=True)])
    columns = torch.stack([slerp(a, b) for a, b in zip(first.T, second.T, strict=True)]).T
    whole = slerp(first.flatten(), second.flatten()).view(5, 4)
    assert near(child("row"), rows)
    assert near(child("column"), columns)
    assert near(child("tensor"), whole)


def test_columns_of_nuslerp_reach_over_blocks(apply: Apply) -> None:
    first, second = randn(4, 2, 700, 401)
    child = apply("nuslerp", {"model": [{"x": first}, {"x": second}]}, axis="column")["x"]
    u, v = first[:, 7].double(), second[:, 7].double()
    angle = torch.acos(u @ v / (u.norm() * v.norm()))
    expected = (u + v) * torch.sin(angle / 2) / torch.sin(angle)
    assert near(child[:, 7], expected.float())


def test_multislerp(merged: Merged) -> None:
    result = merged("multislerp", {"model": [[2, 0], [0, 1]]})
    assert result.tolist() == pytest.approx([1.5 * HALF, 1.5 * HALF], abs=1e-6)
    result = merged("multislerp", {"model": [[1, 0], [1, 0], [0, 1]]})
    assert result.tolist() == pytest.approx([0.8944272, 0.4472136], abs=1e-6)
    on_base = {"base": [[5, 5]], "model": [[7, 5], [5, 6]]}
    assert merged("multislerp", on_base).tolist() == pytest.approx([5 + 1.5 * HALF] * 2, abs=1e-6)
    assert merged("multislerp", {"base": [[5, 5]], "model": [[7, 4]]}).tolist() == [7, 4]


def test_multislerp_without_normalisation_is_as_much_longer(merged: Merged) -> None:
    roles = {"model": [[2, 0], [0, 1]]}
    result = merged("multislerp", roles, normalize=False, weights=(2, 2))
    assert result.tolist() == pytest.approx([6 * HALF, 6 * HALF], abs=1e-6)
    assert merged("multislerp", roles, normalize=False).tolist() == pytest.approx(
        [3 * HALF, 3 * HALF], abs=1e-6
    )


@few
@given(seeds, st.integers(1, 6))
def test_multislerp_is_the_published_tangent_form(merged: Merged, seed: int, count: int) -> None:
    """Regression: the step along the mean tangent of the published form is always 0."""
    items = randn(seed, count, 8)
    weights = np.random.default_rng(seed).dirichlet([1.0] * count)
    x = items.double().numpy()
    norms = np.linalg.norm(x, axis=1)
    u = x / norms[:, None]
    mean = weights @ u / np.linalg.norm(weights @ u)
    tangent = weights @ (u - (u @ mean)[:, None] * mean)
    length = np.linalg.norm(tangent)
    assert length < 1e-14
    point = np.cos(length) * mean + np.sinc(length / np.pi) * tangent
    result = merged("multislerp", {"model": items.tolist()}, weights=tuple(weights))
    assert near(result.double(), torch.from_numpy(weights @ norms * point))


@pytest.mark.parametrize("operator", ["multislerp", "karcher"])
def test_directions_that_cancel(merged: Merged, operator: str) -> None:
    assert merged(operator, {"model": [[2, 0], [-1, 0]]}).tolist() == [0.5, 0]
    third = [3.0 * x for x in (0.1, -0.7, 0.2)]
    assert merged(operator, {"model": [[0.1, -0.7, 0.2], [-x for x in third]]}).tolist() == (
        pytest.approx([-0.1, 0.7, -0.2], abs=1e-6)
    )
    triangle = [[1, 0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75)]]
    with pytest.raises(BreedError, match="directions of the models cancel in x") as caught:
        merged(operator, {"model": triangle})
    assert "\n" not in str(caught.value)
    # Zeros have no direction, so they cancel nothing; nor do vectors that weigh nothing.
    assert merged(operator, {"model": [[0, 0]] * 3}).tolist() == [0, 0]
    zeros = {"model": [[0, 0], [0, 0], [3, 4]]}
    assert merged(operator, zeros).tolist() == pytest.approx([1, 4 / 3], abs=1e-6)
    assert merged(operator, zeros, weights=(1, 1, 0)).tolist() == [0, 0]


def test_karcher(merged: Merged) -> None:
    result = merged("karcher", {"model": [[1, 0], [1, 0], [0, 1]]})
    assert result.tolist() == pytest.approx([math.sqrt(0.75), 0.5], abs=1e-5)
    weighted = merged("karcher", {"model": [[1, 0], [0, 1]]}, weights=(2, 1))
    assert weighted.tolist() == pytest.approx([math.sqrt(0.75), 0.5], abs=1e-5)
    on_base = {"base": [[5, 5]], "model": [[6, 5], [6, 5], [5, 6]]}
    expected = [5 + math.sqrt(0.75), 5.5]
    assert merged("karcher", on_base).tolist() == pytest.approx(expected, abs=1e-5)
    # The opposite of the mean pulls in no direction.
    one_against = {"model": [[1, 0], [1, 0], [1, 0], [-1, 0]]}
    assert merged("karcher", one_against).tolist() == pytest.approx([1, 0], abs=1e-6)


@few
@given(seeds)
def test_karcher_of_two_has_the_direction_halfway(merged: Merged, seed: int) -> None:
    pair = torch.nn.functional.normalize(randn(seed, 2, 6))
    roles = {"model": pair.tolist()}
    assert near(merged("karcher", roles), merged("slerp", roles, t=0.5), tolerance=1e-4)


@few
@given(seeds, st.integers(3, 5))
def test_karcher_is_where_the_pulls_cancel(merged: Merged, seed: int, count: int) -> None:
    items = randn(seed, count, 7) + 0.8
    mean = merged("karcher", {"model": items.tolist()}, tolerance=1e-7).double()
    assert mean.norm().item() == pytest.approx(items.norm(dim=1).mean().item(), rel=1e-5)
    u = mean / mean.norm()
    units = torch.nn.functional.normalize(items.double())
    cosines = units @ u
    angles = torch.acos(cosines)
    pulls = (angles / torch.sin(angles))[:, None] * (units - cosines[:, None] * u)
    assert pulls.sum(0).norm() < 1e-4


@few
@given(seeds)
def test_karcher_turns_with_the_models(merged: Merged, seed: int) -> None:
    items = randn(seed, 3, 5) + 0.8
    turn = torch.linalg.qr(randn(seed + 1, 5, 5)).Q
    one = merged("karcher", {"model": items.tolist()})
    two = merged("karcher", {"model": (items @ turn).tolist()})
    assert near(one @ turn, two, tolerance=1e-4)


def test_karcher_begins_with_the_direction_of_multislerp(merged: Merged) -> None:
    roles = {"model": randn(7, 3, 5).tolist()}
    begun = merged("karcher", roles, max_iterations=0)
    assert torch.equal(begun, merged("multislerp", roles))
    assert not near(merged("karcher", roles), begun, tolerance=1e-3)


@pytest.mark.parametrize("operator", ["nuslerp", "multislerp", "karcher"])
def test_weights_that_cancel_are_told_in_one_line(apply: Apply, operator: str) -> None:
    model = {f"model.layers.{n}.mlp.weight": torch.ones(2) for n in range(3)}
    roles = {"model": [model, model]}
    plain = (0, 0) if operator == "karcher" else (1, -1)
    with pytest.raises(ConfigError, match="weights: sum to 0, so they cannot be normalised"):
        apply(operator, roles, weights=plain)
    with pytest.raises(ConfigError, match="3 given for 2 models"):
        apply(operator, roles, weights=(1, 2, 3))
    schedules = ((1.0, 0.0), (1.0, 0.0)) if operator == "karcher" else ((1.0, 1.0), (1.0, -1.0))
    with pytest.raises(BreedError, match=r"sum to 0 at model\.layers\.2\.mlp\.weight"):
        apply(operator, roles, weights=schedules)


@pytest.mark.parametrize("operator", ["nuslerp", "multislerp", "karcher"])
def test_base_is_optional(operator: str) -> None:
    for parts in ("model model", "base model model"):
        parents = tuple(Parent(f"id{n}", role) for n, role in enumerate(parts.split()))
        validate(Recipe(operator, parents, {}, 0))
    with pytest.raises(ConfigError, match="takes at most one 'base' as parent, not 2"):
        validate(Recipe(operator, (Parent("c", "base"), *parents), {}, 0))
