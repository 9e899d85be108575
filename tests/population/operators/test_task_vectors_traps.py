"""Errors and ambiguities of other implementations, one test each; they must not come back."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]


def on_zero(*models: list[float]) -> dict[str, list[list[float]]]:
    return {"base": [[0.0] * len(models[0])], "model": list(models)}


@pytest.mark.parametrize("scope", ["row", "tensor"])
@pytest.mark.parametrize("operator", ["breadcrumbs", "breadcrumbs_ties"])
def test_gamma_below_one_element_drops_none(merged: Merged, operator: str, scope: str) -> None:
    """A slice that ends at -0 is empty, and zeroes every small tensor."""
    child = merged(operator, on_zero([1.0, -3, 2, 4]), gamma=0.01, density=0.5, scope=scope)
    assert child.tolist() == [0, -3, 0, 4]


@pytest.mark.parametrize("operator", ["dare_linear", "dare_ties", "della_linear", "della"])
def test_three_ways_to_rescale(apply: Apply, operator: str) -> None:
    """Matching the L1 norm is a choice, and not the unbiased one."""
    values = torch.randn(30, 40, generator=torch.Generator().manual_seed(0))
    roles = {"base": [{"x": torch.zeros(30, 40)}], "model": [{"x": values}]}
    options = {"density": 0.5, **({"epsilon": 0.2} if "della" in operator else {})}
    plain, matched, unbiased = (
        apply(operator, roles, rescale=how, **options)["x"] for how in ("none", "l1", "inverse")
    )
    kept = plain != 0
    assert torch.equal(plain[kept], values[kept])
    assert torch.equal(matched != 0, kept)
    assert torch.equal(unbiased != 0, kept)
    factors = (matched / values)[kept]
    assert torch.allclose(factors, (values.abs().sum() / plain.abs().sum()).expand_as(factors))
    assert matched.abs().sum() == pytest.approx(float(values.abs().sum()), rel=1e-5)
    inverse = (unbiased / values)[kept]
    if "dare" in operator:
        assert torch.equal(inverse, torch.full_like(inverse, 2.0))
    else:
        assert 1 / 0.7 - 1e-4 < inverse.min() < inverse.max() < 1 / 0.3 + 1e-4


def test_norm_rescale_of_dare_by_hand(merged: Merged) -> None:
    """Of [1, 2, 3, 4], if 1 and 3 are kept, 4/10 of the norm is: [2.5, 0, 7.5, 0]."""
    for seed in range(200):
        child = merged("dare_linear", on_zero([1, 2, 3, 4]), seed=seed, rescale="l1").tolist()
        if [x != 0 for x in child] == [True, False, True, False]:
            assert child == pytest.approx([2.5, 0, 7.5, 0])
            return
    pytest.fail("the mask never came up")


def test_norm_rescale_of_what_was_wholly_dropped(merged: Merged) -> None:
    """No 0 / 0 where nothing is left."""
    child = merged("dare_linear", on_zero([1.0, 2.0]), density=1e-9, rescale="l1")
    assert child.tolist() == [0, 0]


@pytest.mark.parametrize("factor", [1.0, 1e-4, 1e-9])
def test_sce_weighs_small_task_vectors_too(merged: Merged, factor: float) -> None:
    """An absolute guard of 1e-6 on the energy gives equal weights to any usual fine-tune."""
    roles = on_zero([1 * factor, 4 * factor], [3 * factor, -2 * factor])
    child = merged("sce", roles, select_topk=0.5, merge="all") / factor
    assert child.tolist() == pytest.approx([1.4, 4])


@pytest.mark.parametrize("operator", ["della", "della_linear"])
def test_della_of_rows_of_one_element(apply: Apply, operator: str) -> None:
    """Ranks scaled to 0 .. 1 would be 0 / 0; the probability is the density."""
    size, density = 10_000, 0.25
    roles = {"base": [{"x": torch.zeros(size, 1)}], "model": [{"x": torch.ones(size, 1)}]}
    child = apply(operator, roles, density=density, epsilon=0.2)["x"]
    assert set(child.view(-1).tolist()) == {0, 4}
    spread = 4 * math.sqrt(density * (1 - density) / size)
    assert abs(child.count_nonzero() / size - density) < spread


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("ties", {"density": 1.0}),
        ("dare_ties", {"density": 1.0}),
        ("breadcrumbs_ties", {"density": 1.0, "gamma": 0}),
        ("sce", {}),
    ],
)
def test_zero_sums_by_vote_or_positive(
    merged: Merged, operator: str, options: dict[str, float]
) -> None:
    roles = on_zero([1.0, -2.0, -3.0], [-1.0, -2.0, -3.0])
    assert merged(operator, roles, **options).tolist() == pytest.approx([-1, -2, -3])
    positive = merged(operator, roles, majority="positive", **options)
    assert positive.tolist() == pytest.approx([1, -2, -3])


def test_compeft_keeps_the_exact_count_and_a_positive_scale(merged: Merged) -> None:
    """Not one more, nor all equal ones; and the scale is no signed mean."""
    values = [-1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    child = merged("compeft", on_zero(values), density=0.35)
    deviation = float(torch.tensor(values, dtype=torch.float64).std())
    assert child.tolist() == pytest.approx([-deviation] * 3 + [0] * 7)


def test_pcb_does_not_depend_on_scale_unless_asked_to(merged: Merged) -> None:
    """The tanh of raw products of task vectors is linear for small ones, and 1 for large ones."""
    one, two = [1.0, 2, -0.5, -4, 3, 0.5], [1.0, -1, 3, -2, 0.25, 1.5]

    def child(factor: float, support: str) -> list[float]:
        roles = on_zero([x * factor for x in one], [x * factor for x in two])
        return (merged("pcb", roles, ratio=0.9, support=support) / factor).tolist()

    assert child(2.0**-13, "normalized") == child(1.0, "normalized")
    assert child(2.0**-13, "raw") != pytest.approx(child(1.0, "raw"), rel=1e-2)


def test_pcb_of_many_models_does_not_overflow(merged: Merged) -> None:
    """exp(N) is infinite in float32 from N = 89 on."""
    values = [1.0, 2.0, 3.0, 4.0]
    assert merged("pcb", on_zero(*[values] * 90), ratio=0.5).isfinite().all()


def test_tall_masks_compare_task_vectors_not_weights(merged: Merged) -> None:
    """With a base far from 0, masks of the models themselves would differ."""
    deltas = [[2.0, 0, 1], [0, 3, 1]]
    roles = {"base": [[8.0] * 3], "model": [[x + 8 for x in delta] for delta in deltas]}
    assert merged("tall_mask", roles, task=0).tolist() == [10, 8, 10]
    assert merged("consensus", roles).tolist() == [8, 8, 10]


def test_widen_has_no_direction_of_zero_columns(apply: Apply) -> None:
    """Columns of zeros, as of padding tokens, must not become NaN."""
    base = {"proj": torch.zeros(3, 4), "embed": torch.zeros(3, 4)}
    model = {name: tensor.clone() for name, tensor in base.items()}
    model["proj"][:, 1] = model["embed"][1] = 2.0
    child = apply("widen", {"base": [base], "model": [model, base]})
    assert all(tensor.isfinite().all() for tensor in child.values())
    assert child["proj"][:, [0, 2, 3]].count_nonzero() == 0


def test_widen_does_not_normalise(apply: Apply) -> None:
    """By design equal models overshoot: the scores of salient columns sum to their number."""
    base, model = {"x": torch.eye(4)}, {"x": torch.eye(4) * torch.tensor([1.0, 2, 3, 4])}
    child = apply("widen", {"base": [base], "model": [model, model]})["x"]
    assert child[3, 3] == 1 + 3 * (0.5 * 2 + 0.5 * 2)
