"""Nearswap, Arcee Fusion, RAM and RAM+, and the quantiles that one of them needs."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.population.operators.averaging import ram_plus
from speciate.population.operators.averaging.quantiles import quantiles

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]

seeds = st.integers(0, 2**32)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_nearswap_moves_at_most_t(merged: Merged) -> None:
    roles = {"base": [[1.0, 1.0, 1.0, 1.0, 0.0]], "model": [[1.0, 1.25, 2.0, -3.0, 0.5]]}
    assert merged("nearswap", roles, t=0.5).tolist() == [1, 1.25, 1.5, 0.5, 0.5]
    assert torch.equal(merged("nearswap", roles, t=9.0), torch.tensor(roles["model"][0]))


@few
@given(seeds, st.sampled_from([1e-4, 0.1, 1.0]))
def test_nearswap_is_the_published_quotient(merged: Merged, seed: int, t: float) -> None:
    a, b = randn(seed, 2, 30).mul(4).round().div(4)
    w = torch.nan_to_num(t / (a - b).abs(), nan=1.0, posinf=1.0).clamp(0, 1)
    result = merged("nearswap", {"base": [a.tolist()], "model": [b.tolist()]}, t=t)
    assert torch.allclose(result, (1 - w) * a + w * b, rtol=1e-6, atol=1e-6)


def fused(base: Tensor, model: Tensor) -> Tensor:
    """Arcee Fusion, all at once."""
    q, p = base.double().log_softmax(-1), model.double().log_softmax(-1)
    divergence = (p.exp() * (p - q)).sum(-1, keepdim=True)
    importance = ((model - base).abs() * divergence).numpy()
    low, median, high = np.quantile(importance, (0.25, 0.5, 0.75))
    kept = torch.from_numpy(importance >= median + 1.5 * (high - low))
    return torch.where(kept, model, base)


@pytest.mark.parametrize("shape", [(40, 30), (57,), (1200, 500), (7, 1)])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_arcee_fusion_takes_what_stands_out(
    apply: Apply, shape: tuple[int, ...], scale: float
) -> None:
    base = randn(1, *shape)
    model = base + scale * randn(2, *shape) ** 3
    child = apply("arcee_fusion", {"base": [{"x": base}], "model": [{"x": model}]})["x"]
    assert torch.equal(child, fused(base, model))
    if shape[-1] > 1:
        assert 0 < (child != base).float().mean() < 0.3


def test_arcee_fusion_tells_small_changes_apart(apply: Apply) -> None:
    """Regression: in float32, with an epsilon, the divergence of small changes is all rounding."""
    base = randn(3, 30, 20)
    for factor in (1.0, 2.0**-10):
        model = base + factor * 1e-3 * randn(4, 30, 20) ** 3
        child = apply("arcee_fusion", {"base": [{"x": base}], "model": [{"x": model}]})["x"]
        assert torch.equal(child, fused(base, model))


def test_arcee_fusion_where_few_elements_change_takes_them_all(merged: Merged) -> None:
    roles = {"base": [[0.0] * 8], "model": [[0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, -1.0]]}
    assert merged("arcee_fusion", roles).tolist() == roles["model"][0]


class Lists:
    """Loci that are tensors."""

    def __init__(self, parts: list[Tensor]) -> None:
        self.parts = parts

    def map(self, function: Callable[[Tensor], object]) -> list[object]:
        return [function(part) for part in self.parts]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 2.0**90, width=32), max_size=9), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
)
def test_quantiles_are_exact(parts: list[list[float]], shares: list[float]) -> None:
    loci = Lists([torch.tensor(part, dtype=torch.float32) for part in parts])
    pooled = np.array([value for part in parts for value in part])
    expected = np.quantile(pooled, shares) if len(pooled) else np.zeros(len(shares))
    found = quantiles(loci, lambda part: part, shares)  # type: ignore[arg-type]
    assert found == pytest.approx(expected.tolist(), rel=1e-12)


RAM = {
    "base": [[1.0] * 5],
    "model": [[1.5, 2.0, 1.0, 1.0, 0.0], [1.0, 4.0, 3.0, 1.0, 2.0]],
}


def test_ram_averages_what_is_shared_and_keeps_what_is_not(merged: Merged) -> None:
    assert merged("ram", RAM).tolist() == [1.5, 3, 3, 1, 1]
    # Below the threshold nothing is active.
    assert merged("ram", RAM, threshold=0.5).tolist() == [1, 3, 3, 1, 1]
    assert merged("ram", RAM, threshold=9.0).tolist() == [1] * 5


def test_ram_plus_enlarges_what_is_not_shared(merged: Merged) -> None:
    # Each has one element of its own and shares two: 1 + 0.1 min(2, 0.2) = 1.02.
    assert merged("ram_plus", RAM).tolist() == pytest.approx([1.51, 3, 3.04, 1, 1], abs=1e-6)
    result = merged("ram_plus", RAM, r=0.5, alpha=9.0)
    assert result.tolist() == pytest.approx([2, 3, 5, 1, 1], abs=1e-6)
    assert torch.equal(merged("ram_plus", RAM, r=0.0), merged("ram", RAM))


def test_factors_of_ram_plus() -> None:
    counts = np.array([[2, 4], [1, 10], [5, 0], [0, 3], [0, 0]])
    assert ram_plus.factors(counts, 0.1, 0.2) == pytest.approx([1.02, 1.01, 1, 1, 1])


def test_scope_of_ram_plus_matters(apply: Apply) -> None:
    """Regression: the authors count over whole models, mergekit over each tensor."""
    base = {"shared": torch.zeros(3), "unique": torch.zeros(2)}
    models = [
        {"shared": torch.ones(3), "unique": torch.tensor([1.0, 0.0])},
        {"shared": torch.ones(3), "unique": torch.tensor([0.0, 1.0])},
    ]
    roles = {"base": [base], "model": models}
    whole = apply("ram_plus", roles, r=1.0, alpha=9.0)
    assert whole["unique"].tolist() == [4, 4]
    assert apply("ram_plus", roles, r=1.0, alpha=9.0, scope="tensor")["unique"].tolist() == [1, 1]


@pytest.mark.parametrize("operator", ["ram", "ram_plus"])
def test_threshold_of_ram_has_a_scale(merged: Merged, operator: str) -> None:
    """Not scale free, unless the threshold is scaled as well."""
    vectors = randn(5, 3, 20).mul(4).round().div(4)

    def child(scale: float, threshold: float) -> Tensor:
        roles = {"base": [[0.0] * 20], "model": (vectors * scale).tolist()}
        return merged(operator, roles, threshold=threshold)

    assert torch.equal(child(4.0, 2.0), child(1.0, 0.5) * 4)
    assert not torch.equal(child(4.0, 0.5), child(1.0, 0.5) * 4)
