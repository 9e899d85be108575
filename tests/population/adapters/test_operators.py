"""Examples worked by hand, and what each operator promises."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.configs.operators.adapters import PARAMETERS
from speciate.errors import BreedError, ConfigError, ModelError, UsageError
from speciate.population.adapters import OPERATORS, Adapter, breed_adapter
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.robust_merge import row_scales

Make = Callable[..., Adapter]
Pair = Callable[..., tuple[Tensor, Tensor]]
Delta = Callable[..., Tensor]


def close(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> bool:
    return torch.allclose(a, b, atol=tolerance, rtol=tolerance)


def factors(one: Adapter, module: str = "m") -> Factors:
    found = one.factors(module)
    assert found is not None
    return found


def test_the_lists_of_operators_agree() -> None:
    assert {one.name: one.parameters for one in OPERATORS} == PARAMETERS
    assert all(one.summary.endswith(".") and one.family == "adapters" for one in OPERATORS)


def test_cat_is_the_sum_of_products(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one, two = adapter({"m": random_pair(2)}, lora_alpha=6), adapter({"m": random_pair(3)})
    child = bred("lora_cat", one, two, normalize=False)
    assert child.rank("m") == 5
    assert close(delta(child), delta(one) + delta(two))
    child = bred("lora_cat", one, two, weights=(1, 3))
    assert close(delta(child), 0.25 * delta(one) + 0.75 * delta(two))


def test_linear_has_cross_terms_and_squares_its_weights(
    adapter: Make, bred: Make, delta: Delta
) -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0], [0.0]])
    c, d = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0], [4.0]])
    one, two = adapter({"m": (a, b)}), adapter({"m": (c, d)}, lora_alpha=2)
    child = bred("lora_linear", one, two)
    assert factors(child).a.tolist() == [[0.5, 0.5]]
    assert factors(child).b.tolist() == [[1.0], [4.0]]
    assert delta(child).tolist() == [[0.5, 0.5], [2.0, 2.0]]
    # H20: the sign of a factor-wise weight cancels, that of a weight in product space does not.
    negative = {"weights": (-1,), "normalize": False}
    assert torch.equal(delta(bred("lora_linear", one, **negative)), delta(one))
    assert close(delta(bred("lora_svd", one, **negative)), -delta(one))
    assert close(delta(bred("lora_svd", one, weights=(3,), normalize=False)), 3 * delta(one))


def test_linear_does_not_care_where_the_scale_is(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    (a, b), two = random_pair(), adapter({"m": random_pair()})
    plain, moved = adapter({"m": (a, b * 4)}), adapter({"m": (a, b)}, lora_alpha=8)
    expected = delta(bred("lora_linear", plain, two))
    assert close(delta(bred("lora_linear", moved, two)), expected)


def test_svd_is_the_best_of_its_rank(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one, two = adapter({"m": random_pair(2)}), adapter({"m": random_pair(3)})
    whole = (delta(one) + delta(two)) / 2
    values = torch.linalg.svdvals(whole)
    for rank in (1, 2, 3, 4):
        child = bred("lora_svd", one, two, rank=rank)
        assert child.rank("m") == rank
        error = float((delta(child) - whole).norm())
        assert error == pytest.approx(float(values[rank:].norm()), abs=1e-4)
    assert bred("lora_svd", one, two).rank("m") == 3
    assert bred("lora_svd", one, two, rank=99).rank("m") == 5
    parts = factors(bred("lora_svd", one, two, rank=5))
    assert close(parts.a.norm(dim=1), parts.b.norm(dim=0))
    largest = parts.b.gather(0, parts.b.abs().argmax(dim=0, keepdim=True))
    assert bool((largest >= 0).all())


def test_svd_of_dense_updates_elects_signs(adapter: Make, bred: Make, delta: Delta) -> None:
    """The TIES example, as rank-one updates of one row."""
    rows = [[3.0, 0.0, 2.0, 0.0], [-2.0, -4.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]]
    parents = [adapter({"m": (torch.tensor([row]), torch.ones(1, 1))}) for row in rows]
    child = bred("lora_svd", *parents, consensus="ties")
    assert close(delta(child), torch.tensor([[2.0, -4.0, 2.0, 0.0]]))
    halved = bred("lora_svd", *parents, consensus="ties", scale=0.5, density=0.5)
    assert close(delta(halved), torch.tensor([[1.0, -2.0, 1.0, 0.0]]))
    trimmed = bred("lora_svd", parents[0], density=0.25)
    assert close(delta(trimmed), torch.tensor([[3.0, 0.0, 0.0, 0.0]]))


def test_robust_merge_example() -> None:
    a, trimmed = torch.tensor([[1.0, 2, 3, 4, 10]]), torch.tensor([[0.0, 0, 0, 0, 10]])
    assert row_scales(a, trimmed, 0.8).tolist() == [2.0]


def test_robust_merge_of_one_whole_adapter_shows_the_constant(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one = adapter({"m": random_pair()})
    child = bred("robust_merge", one, density=1.0)
    assert torch.equal(factors(child).a, 2 * factors(one).a)
    assert torch.equal(factors(child).b, 2 * factors(one).b)
    assert close(delta(bred("robust_merge", one, density=1.0, scale=1.0)), delta(one))


def test_robust_merge_lifts_small_scales_to_the_quantile() -> None:
    a = torch.tensor([[1.0, 1.0], [1.0, 3.0], [1.0, 9.0], [0.5, 0.5]])
    trimmed = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 9.0], [0.0, 0.0]])
    assert row_scales(a, trimmed, 0.0).tolist() == pytest.approx([2.0, 4 / 3, 10 / 9, 0.0])
    # Of 2, 4/3 and 10/9; the row that lost everything neither counts nor is lifted.
    assert row_scales(a, trimmed, 0.5).tolist() == pytest.approx([2.0, 4 / 3, 4 / 3, 0.0])
    assert row_scales(a, torch.zeros(4, 2), 0.8).tolist() == [0.0] * 4


def test_robust_merge_scales_each_module_by_itself(
    adapter: Make, bred: Make, random_pair: Pair
) -> None:
    """H19: the scale of the factor A visited last was carried on to other entries."""
    pairs = [{name: random_pair(3, 8, 10) for name in "mn"} for _ in range(2)]
    both = bred("robust_merge", *(adapter(pair) for pair in pairs), density=0.3)
    for name in "mn":
        alone = bred("robust_merge", *(adapter({name: p[name]}) for p in pairs), density=0.3)
        assert torch.equal(factors(both, name).b, factors(alone, name).b)
        assert torch.equal(factors(both, name).a, factors(alone, name).a)


def test_robust_merge_survives_a_row_that_lost_everything(adapter: Make, bred: Make) -> None:
    a = torch.tensor([[9.0, 8.0], [0.1, 0.1]])
    one = adapter({"m": (a, torch.ones(3, 2))})
    child = factors(bred("robust_merge", one, density=0.5))
    assert bool(child.b.isfinite().all())
    assert child.a.tolist() == [[18.0, 16.0], [0.0, 0.0]]
    assert child.b[:, 1].tolist() == [0.0] * 3


def test_knots_with_the_mean_is_the_mean(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    parents = [adapter({"m": random_pair(rank)}, lora_alpha=5) for rank in (1, 2, 2)]
    child = bred("knots", *parents, consensus="none", density=1.0, rank=5)
    assert close(delta(child), sum(map(delta, parents), torch.tensor(0.0)) / 3)
    weighted = bred("knots", *parents, consensus="none", density=1.0, rank=5, weights=(2, 1, 1))
    expected = delta(parents[0]) / 2 + (delta(parents[1]) + delta(parents[2])) / 4
    assert close(delta(weighted), expected)


def test_knots_of_equal_adapters_is_that_adapter(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one = adapter({"m": random_pair()})
    assert close(delta(bred("knots", one, one, density=1.0)), delta(one))
    assert close(delta(bred("knots", one, one, density=1.0, scale=2.0)), 2 * delta(one))


def test_knots_handles_ranks_above_the_width(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    parents = [adapter({"m": random_pair(4, 3, 2)}) for _ in range(2)]
    child = bred("knots", *parents, consensus="none", density=1.0)
    assert close(delta(child), (delta(parents[0]) + delta(parents[1])) / 2)


def permuted(pair: tuple[Tensor, Tensor], order: list[int]) -> tuple[Tensor, Tensor]:
    signs = torch.tensor([(-1.0) ** k for k in order])
    return pair[0][order] * signs[:, None] * 2, pair[1][:, order] * signs / 2


def test_lego_ignores_the_order_of_ranks_and_how_units_are_written(
    adapter: Make, bred: Make, random_pair: Pair
) -> None:
    pairs = [random_pair(4), random_pair(3)]
    expected = bred("lora_lego", *(adapter({"m": pair}) for pair in pairs), rank=2)
    moved = [permuted(pairs[1], [2, 0, 1]), permuted(pairs[0], [3, 1, 0, 2])]
    child = bred("lora_lego", *(adapter({"m": pair}) for pair in moved), rank=2)
    assert child.digest() == expected.digest()


def test_lego_of_duplicates_is_that_adapter(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one = adapter({"m": random_pair(3)}, lora_alpha=6)
    child = bred("lora_lego", one, one, one)
    assert child.rank("m") == 3
    assert close(delta(child), delta(one))
    assert close(delta(bred("lora_lego", one, one, output_scale=-2.0)), -2 * delta(one))


def test_lego_with_as_many_clusters_as_units_is_the_sum(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    one, two = adapter({"m": random_pair(3)}), adapter({"m": random_pair(2)})
    assert close(delta(bred("lora_lego", one, two, rank=5)), delta(one) + delta(two))
    assert bred("lora_lego", one, two, rank=99).rank("m") == 5


def test_lego_restores_the_norm_of_its_units(adapter: Make, bred: Make, delta: Delta) -> None:
    ones = torch.ones(1, 1)
    one = adapter({"m": (torch.tensor([[2.0, 0.0]]), 2 * ones)})
    two = adapter({"m": (torch.tensor([[0.0, 2.0]]), 2 * ones)})
    # Units (2, 0, 2) and (0, 2, 2), each of norm sqrt(8): their mean (1, 1, 2) has sqrt(6).
    plain = bred("lora_lego", one, two, norm_restore=False)
    assert close(delta(plain), torch.tensor([[2.0, 2.0]]))
    assert close(delta(bred("lora_lego", one, two)), torch.tensor([[2.0, 2.0]]) * 8 / 6)


def test_lego_of_nothing_is_nothing(adapter: Make, bred: Make, delta: Delta) -> None:
    one = adapter({"m": (torch.ones(2, 5), torch.zeros(6, 2))})
    assert not delta(bred("lora_lego", one)).any()


def test_compeft_example(adapter: Make, bred: Make) -> None:
    a, b = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0], [-4.0]])
    child = factors(bred("lora_compeft", adapter({"m": (a, b)}, lora_alpha=2), density=0.5))
    assert child.a.tolist() == [[0.0, 0.0]]
    sigma = torch.tensor([1.0, -2.0, 3.0, -4.0]).std()
    assert float(sigma) == pytest.approx(3.1091, abs=1e-4)
    assert close(child.b, 2 * sigma * torch.tensor([[1.0], [-1.0]]))


def test_compeft_keeps_the_largest_of_the_whole_adapter(
    adapter: Make, bred: Make, random_pair: Pair
) -> None:
    pairs = {"m": random_pair(), "n": random_pair()}
    pairs["n"] = (pairs["n"][0] * 100, pairs["n"][1] * 100)
    child = bred("lora_compeft", adapter(pairs), density=0.3, alpha=0.5)
    kept = {name: factors(child, name) for name in "mn"}
    count = {n: int(f.a.count_nonzero() + f.b.count_nonzero()) for n, f in kept.items()}
    assert sum(count.values()) == int(0.3 * 44)
    assert count["m"] == 0
    values = {abs(v) for f in kept.values() for t in (f.a, f.b) for v in t.flatten().tolist()}
    assert len(values) == 2


def test_noise_is_on_a_part_of_balanced_factors(
    adapter: Make, bred: Make, delta: Delta, random_pair: Pair
) -> None:
    a, b = random_pair(4, 90, 80)
    one, other = adapter({"m": (a, b)}, lora_alpha=8), adapter({"m": (a * 100, b / 50)})
    still = bred("lora_gaussian", one, sigma=0.0, density=1.0)
    assert close(delta(still), delta(one), 1e-3)
    assert bred("lora_gaussian", one, density=0.0).digest() == still.digest()
    moved = bred("lora_gaussian", one, sigma=0.5, density=0.1)
    for before, after in (
        (factors(still).a, factors(moved).a),
        (factors(still).b, factors(moved).b),
    ):
        noise = (after - before)[after != before]
        assert 0.05 < len(noise) / before.numel() < 0.15
        assert 0.3 < float(noise.std()) < 0.7
    # The same update, written as another product, gets the same noise.
    assert close(delta(bred("lora_gaussian", other, sigma=0.5, density=0.1)), delta(moved), 1e-3)
    assert bred("lora_gaussian", one, sigma=0.5, density=0.1, seed=1).digest() != moved.digest()


def test_roles_weights_and_ranks_are_checked(adapter: Make, bred: Make, random_pair: Pair) -> None:
    one, two = adapter({"m": random_pair(2)}), adapter({"m": random_pair(3)})
    with pytest.raises(ConfigError, match="lora_svd: weights: 1 given for 2"):
        bred("lora_svd", one, two, weights=(1,))
    with pytest.raises(ConfigError, match="lora_cat: weights: sum to 0"):
        bred("lora_cat", one, two, weights=(1, -1))
    with pytest.raises(ConfigError, match="exactly one 'adapter', not 2"):
        bred("lora_compeft", one, two)
    with pytest.raises(ConfigError, match="one or more 'adapter', not 0"):
        bred("knots")
    with pytest.raises(ConfigError, match="dtype: 'int8'"):
        bred("knots", one, dtype="int8")
    for name in ("lora_linear", "robust_merge"):
        with pytest.raises(ModelError, match="m has rank 3, not 2"):
            bred(name, one, two)


def test_results_that_overflow_are_refused(adapter: Make, bred: Make) -> None:
    one = adapter({"m": (torch.full((1, 2), 1e30), torch.full((2, 1), 1e30))})
    with pytest.raises(BreedError, match="NaN or infinite values in float16"):
        bred("lora_cat", one, dtype="float16")


def test_full_tensors_become_their_mean(
    adapter: Make, bred: Make, random_pair: Pair, tmp_path: Any
) -> None:
    def make(**saved: float) -> Adapter:
        extra = {f"{name}.weight": torch.full((2,), value) for name, value in saved.items()}
        return adapter({"m": random_pair()}, extra=extra)

    one, two = make(head=1.0, norm=5.0), make(head=3.0)
    child = bred("lora_svd", one, two, weights=(1, 3))
    assert child.saved == ("head.weight", "norm.weight")
    assert child.saved_tensor("head.weight").tolist() == [2.5, 2.5]
    assert child.saved_tensor("norm.weight").tolist() == [5.0, 5.0]
    cancelling = bred("lora_svd", one, two, weights=(1, -1), normalize=False)
    assert cancelling.saved_tensor("head.weight").tolist() == [2.0, 2.0]


def test_nothing_is_overwritten(adapter: Make, random_pair: Pair) -> None:
    one = adapter({"m": random_pair()})
    operator = OPERATORS[0]
    with pytest.raises(UsageError, match="exists already"):
        breed_adapter(operator, operator.parameters(), {"adapter": [one]}, one.path, 0)
