"""Operators that read statistics: examples by hand, limits, and laws they obey."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.errors import ConfigError
from speciate.population.operators.statistics.mats import conjugate_gradients

Apply = Callable[..., dict[str, Tensor]]
Model = dict[str, Tensor]

few = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 2**32)
OPERATORS = {"fisher": {}, "regmean": {}, "mats": {}, "ota": {"density": 0.5}}


def of(*values: float) -> Model:
    return {"x": torch.tensor(values, dtype=torch.float32)}


def measured(kind: str, *values: Any) -> Model:
    return {f"x.{kind}": torch.tensor(values, dtype=torch.float32)}


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def inputs(seed: int, count: int = 3, rows: int = 20, width: int = 4) -> list[Tensor]:
    return [normal(seed + n, rows, width) for n in range(count)]


def grams(found: Sequence[Tensor]) -> list[Model]:
    return [{"x.gram": x.T @ x / len(x)} for x in found]


def statistics(seed: int, count: int = 3) -> list[Model]:
    """All kinds, for a matrix "x" of 5 rows and 4 columns; nothing for a vector "b"."""
    return [
        {
            "x.fisher": normal(seed + n, 5, 4).square(),
            "x.exp_avg_sq": normal(seed + n + 50, 5, 4).square() * 1e-12,
            "x.rcp_votes": normal(seed + n, 5, 4).sign().short(),
            **grams(inputs(seed + n, 1))[0],
        }
        for n in range(count)
    ]


def models(seed: int, count: int = 3) -> list[Model]:
    return [{"x": normal(seed + n + 9, 5, 4), "b": normal(seed + n, 3)} for n in range(count)]


def act(apply: Apply, operator: str, base: Model, ours: list[Model], **more: Any) -> Model:
    roles = {"base": [base], "model": ours} if operator == "ota" else {"model": ours}
    return apply(operator, roles, **OPERATORS[operator], **more)


def near(one: Model, two: Model) -> bool:
    return all(torch.allclose(one[n], two[n], rtol=1e-4, atol=1e-5) for n in two)


def test_fisher_by_hand(apply: Apply) -> None:
    roles = {"model": [of(1, 1), of(3, 3)]}
    found = [measured("fisher", 1, 2), measured("fisher", 3, 2)]
    assert apply("fisher", roles, statistics=found)["x"].tolist() == [2.5, 2]
    known = [measured("fisher", 1, 1), measured("fisher", 0, 0)]
    assert apply("fisher", roles, statistics=known, floor=0)["x"].tolist() == [1, 1]
    weighted = apply("fisher", roles, statistics=found, weights=(3, 1))
    assert weighted["x"].tolist() == [2, 1.5]


@pytest.mark.parametrize("floor", [0, 1e-6])
def test_fisher_is_the_mean_where_nothing_is_known(apply: Apply, floor: float) -> None:
    roles = {"model": [of(1, 1), of(3, 3)]}
    found = [measured("fisher", 0, 1e-20), measured("fisher", 0, 1e-20)]
    assert apply("fisher", roles, statistics=found, floor=floor)["x"].tolist() == [2, 2]
    assert apply("fisher", roles, statistics=[{}, {}], floor=floor)["x"].tolist() == [2, 2]


def test_favored_model_wins_where_none_is_informed(apply: Apply) -> None:
    roles = {"model": [of(1, 1), of(3, 3)]}
    found = [measured("fisher", 0, 1), measured("fisher", 0, 1)]
    assert apply("fisher", roles, statistics=found, favor=1)["x"].tolist() == [3, 2]
    with pytest.raises(ConfigError, match="there is no model 2; say 0 to 1"):
        apply("fisher", roles, statistics=found, favor=2)


def test_normalized_fisher_ignores_the_scale_of_each_model(apply: Apply) -> None:
    ours, found = models(1), statistics(1)
    scaled = [{n: t * 10.0**k for n, t in one.items()} for k, one in enumerate(found)]
    one = apply("fisher", {"model": ours}, statistics=found, normalize=True)
    assert near(apply("fisher", {"model": ours}, statistics=scaled, normalize=True), one)
    assert not near(apply("fisher", {"model": ours}, statistics=scaled), one)


@few
@given(seeds, st.sampled_from([1e-12, 0.5, 1e6]))
def test_fisher_ignores_a_common_scale(apply: Apply, seed: int, factor: float) -> None:
    ours, found = models(seed), statistics(seed)
    scaled = [{name: tensor * factor for name, tensor in one.items()} for one in found]
    one = apply("fisher", {"model": ours}, statistics=found)
    assert near(apply("fisher", {"model": ours}, statistics=scaled), one)


def test_regmean_by_hand(apply: Apply) -> None:
    def column(*pairs: tuple[list[Any], list[float]], **parameters: Any) -> list[float]:
        roles = {"model": [{"x": torch.tensor([weights])} for _, weights in pairs]}
        found = [measured("gram", *gram) for gram, _ in pairs]
        return apply("regmean", roles, statistics=found, jitter=0, **parameters)["x"][0].tolist()

    diagonal = column(([[2, 0], [0, 1]], [1.0, 1.0]), ([[1, 0], [0, 3]], [3.0, 5.0]))
    assert diagonal == pytest.approx([5 / 3, 4])
    full = ([[2, 1], [1, 1]], [1.0, 0.0]), ([[1, 0], [0, 1]], [0.0, 1.0])
    assert column(*full, off_diagonal=1) == pytest.approx([0.4, 0.8])
    assert column(*full, off_diagonal=0) == pytest.approx([2 / 3, 0.5])


@few
@given(seeds)
def test_regmean_is_least_squares(apply: Apply, seed: int) -> None:
    ours, found = models(seed), inputs(seed)
    merged = apply("regmean", {"model": ours}, statistics=grams(found), off_diagonal=1, jitter=0)
    rows = torch.cat(found).double()
    wanted = torch.cat([x @ one["x"].T for x, one in zip(found, ours, strict=True)]).double()
    assert torch.allclose(merged["x"].T.double(), torch.linalg.lstsq(rows, wanted)[0], atol=1e-4)


def test_equal_grams_give_the_mean(apply: Apply) -> None:
    ours = models(3)
    average = {name: torch.stack([one[name] for one in ours]).mean(0) for name in ours[0]}
    for operator in ("regmean", "mats"):
        assert near(apply(operator, {"model": ours}, statistics=grams(inputs(3, 1)) * 3), average)


@pytest.mark.parametrize("jitter", [0, 1e-6])
def test_dead_inputs_keep_the_mean(apply: Apply, jitter: float) -> None:
    ours = models(4, 2)
    found = [{"x.gram": torch.diag(torch.tensor(d))} for d in ([3.0, 0, 0, 1], [1.0, 0, 0, 0])]
    merged = apply("regmean", {"model": ours}, statistics=found, jitter=jitter)["x"]
    average = (ours[0]["x"] + ours[1]["x"]) / 2
    assert torch.allclose(merged[:, 1:3], average[:, 1:3], atol=1e-5)
    assert torch.allclose(merged[:, 3], ours[0]["x"][:, 3], atol=1e-4)
    nothing = [{"x.gram": torch.zeros(4, 4)}] * 2
    merged = apply("regmean", {"model": ours}, statistics=nothing, jitter=jitter)["x"]
    assert torch.allclose(merged, average)


@few
@given(seeds)
def test_mats_solves_what_regmean_solves(apply: Apply, seed: int) -> None:
    ours, found = models(seed), grams(inputs(seed))
    one = apply("regmean", {"model": ours}, statistics=found, jitter=0)
    for init in ("mean", "base", "task_arithmetic"):
        roles = {"base": models(seed + 7, 1), "model": ours}
        assert near(apply("mats", roles, statistics=found, init=init), one)


@few
@given(seeds)
def test_mats_solves_the_kronecker_system(apply: Apply, seed: int) -> None:
    ours, ins, outs = models(seed), inputs(seed), inputs(seed + 5, width=5)
    found = [
        {"x.gram": x.T @ x / len(x), "x.gram_out": y.T @ y / len(y)}
        for x, y in zip(ins, outs, strict=True)
    ]
    merged = apply(
        "mats", {"model": ours}, statistics=found, form="kfac", off_diagonal=1, max_iterations=500
    )
    parts = [torch.kron(f["x.gram_out"].double(), f["x.gram"].double()) for f in found]
    right = sum(p @ one["x"].double().reshape(-1) for p, one in zip(parts, ours, strict=True))
    wanted = torch.linalg.solve(torch.stack(parts).sum(0), right)
    assert torch.allclose(merged["x"].reshape(-1).double(), wanted, atol=1e-4)


def test_mats_with_a_diagonal_is_fisher_merging(apply: Apply) -> None:
    ours, found = models(5), statistics(5)
    one = apply("fisher", {"model": ours}, statistics=found, floor=0)
    assert near(apply("mats", {"model": ours}, statistics=found, form="diagonal"), one)


def test_mats_stops_early_at_its_initial_merge(apply: Apply) -> None:
    base, ours, found = models(6, 1), models(7), statistics(7)
    roles = {"base": base, "model": ours}
    merged = apply("mats", roles, statistics=found, init="base", max_iterations=0)
    assert torch.equal(merged["x"], base[0]["x"])
    with pytest.raises(ConfigError, match="needs a parent with the role 'base'"):
        apply("mats", {"model": ours}, statistics=found, init="base")


def test_conjugate_gradients_come_nearer_with_each_step() -> None:
    x = normal(8, 40, 6).double()
    matrix, right = x.T @ x, normal(9, 6).double()
    wanted = torch.linalg.solve(matrix, right)
    errors = []
    for steps in range(8):
        off = conjugate_gradients(lambda v: matrix @ v, right, steps, 0) - wanted
        errors.append(float(off @ matrix @ off))
    assert errors[:7] == sorted(errors[:7], reverse=True)
    assert errors[6] < 1e-20
    assert torch.equal(conjugate_gradients(lambda v: v, right, 1, 0), right)
    assert conjugate_gradients(lambda v: v * 0, right * 0, 9, 0).tolist() == [0] * 6


def test_ota_by_hand(apply: Apply) -> None:
    roles = {"base": [of(0, 0)], "model": [of(3, 6), of(0, 2)]}
    found = [measured("exp_avg_sq", 4, 0), measured("exp_avg_sq", 1, 1)]
    assert apply("ota", roles, statistics=found, density=1, epsilon=0)["x"].tolist() == [2, 2]
    same = [measured("exp_avg_sq", 1e-14, 1e-14)] * 2
    assert apply("ota", roles, statistics=same, density=1)["x"].tolist() == [1.5, 4]
    assert apply("ota", roles, statistics=[{}, {}])["x"].tolist() == [1.5, 4]


def test_ota_grafts_what_mattered(apply: Apply) -> None:
    """v tau^2 is (36, 8, 1, 0) and (1, 0, 9, 4): of each model two elements are kept."""
    roles = {"base": [of(1, 1, 1, 1)], "model": [of(4, 3, 2, 6), of(2, 5, 4, 3)]}
    found = [measured("exp_avg_sq", 4, 2, 1, 0), measured("exp_avg_sq", 1, 0, 1, 1)]
    half = apply("ota", roles, statistics=found, density=0.5)["x"]
    assert half.tolist() == pytest.approx([4, 3, 4, 3])
    least = apply("ota", roles, statistics=found, threshold=9)["x"]
    assert least.tolist() == pytest.approx([4, 1, 4, 1])
    average = apply("ota", roles, statistics=found, threshold=9, empty="mean")["x"]
    assert average.tolist() == pytest.approx([4, 4, 4, 4.5])


def test_ota_keeps_as_many_elements_as_its_density_says(apply: Apply) -> None:
    """Of equal ones the first, over blocks of a large matrix as in a small one."""
    size = 600_000
    roles = {"base": [{"x": torch.zeros(size)}], "model": [{"x": torch.ones(size)}]}
    found = [{"x.exp_avg_sq": torch.full((size,), 1e-26)}]
    kept = apply("ota", roles, statistics=found, density=0.7)["x"] > 0
    assert int(kept.sum()) == int(kept[:420_000].sum()) == 420_000


def test_nothing_over_nothing_is_resolved_before_the_fallback(apply: Apply) -> None:
    roles = {"base": [of(1, 1)], "model": [of(3, 3), of(5, 5)]}
    found = [measured("exp_avg_sq", 0, 1), measured("exp_avg_sq", 0, 1)]
    for empty, wanted in (("base", 1), ("mean", 4)):
        merged = apply("ota", roles, statistics=found, density=1, epsilon=0, empty=empty)["x"]
        assert merged.tolist() == [wanted, 4]


def test_normalized_ota_ignores_the_scale_of_each_optimizer(apply: Apply) -> None:
    base, ours, found = models(1, 1), models(2), statistics(2)
    scaled = [{n: t * 100.0**k for n, t in one.items()} for k, one in enumerate(found)]
    roles, options = {"base": base, "model": ours}, {"density": 0.5, "normalize": True}
    one = apply("ota", roles, statistics=found, **options)
    assert near(apply("ota", roles, statistics=scaled, **options), one)


def test_rcp_moves_where_votes_prevail(apply: Apply) -> None:
    roles = {"base": [of(1, 1, 1)], "reasoning": [of(5, 6, 7)], "domain": [of(2, 3, 4)]}
    votes = [{"x.rcp_votes": torch.tensor([3, 0, -1], dtype=torch.int16)}]
    assert apply("rcp", roles, statistics=votes)["x"].tolist() == [6, 6, 7]
    assert apply("rcp", roles, statistics=votes, scale=0.5)["x"].tolist() == [5.5, 6, 7]
    assert apply("rcp", roles, statistics=[{}])["x"].tolist() == [5, 6, 7]
    still = roles | {"domain": roles["base"]}
    assert apply("rcp", still, statistics=votes)["x"].tolist() == [5, 6, 7]


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds)
def test_u1_equal_parents_have_an_equal_child(apply: Apply, operator: str, seed: int) -> None:
    (model,) = models(seed, 1)
    child = act(apply, operator, model, [model] * 3, statistics=statistics(seed))
    assert all(torch.equal(child[name], model[name]) for name in model)


@pytest.mark.parametrize("operator", ["fisher", "regmean", "mats"])
@few
@given(seeds)
def test_u2_idempotence_on_weights_of_any_sum(apply: Apply, operator: str, seed: int) -> None:
    (model,) = models(seed, 1)
    found = statistics(seed)
    child = apply(operator, {"model": [model] * 3}, statistics=found, weights=(0, 5, 2))
    assert all(torch.equal(child[name], model[name]) for name in model)


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds, st.permutations([0, 1, 2]))
def test_u3_order_of_models(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    base, *ours = models(seed, 4)
    found, weights = statistics(seed), (0.2, 0.3, 0.5)
    one = act(apply, operator, base, ours, statistics=found, weights=weights)
    turned = [ours[i] for i in order], [found[i] for i in order], [weights[i] for i in order]
    two = act(apply, operator, base, turned[0], statistics=turned[1], weights=turned[2])
    assert near(two, one)


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]))
def test_u4_u5_scale_and_sign(apply: Apply, operator: str, seed: int, factor: float) -> None:
    base, *ours = models(seed, 4)
    base = {name: torch.zeros_like(tensor) for name, tensor in base.items()}
    found = statistics(seed)
    one = act(apply, operator, base, ours, statistics=found)
    for number in (factor, -factor):
        scaled = [{n: t * number for n, t in model.items()} for model in ours]
        two = act(apply, operator, base, scaled, statistics=found)
        assert near({n: t / number for n, t in two.items()}, one)


@pytest.mark.parametrize("operator", OPERATORS)
def test_tensors_without_statistics_get_the_mean(apply: Apply, operator: str) -> None:
    base, *ours = models(0, 4)
    child = act(apply, operator, base, ours, statistics=statistics(0))
    assert torch.allclose(child["b"], torch.stack([one["b"] for one in ours]).mean(0))
    alone = [{} if n == 1 else one for n, one in enumerate(statistics(0))]
    child = act(apply, operator, base, ours, statistics=alone)
    assert torch.allclose(child["x"], torch.stack([one["x"] for one in ours]).mean(0))


@pytest.mark.parametrize("operator", OPERATORS)
def test_number_of_jobs_and_threads_does_not_matter(apply: Apply, operator: str) -> None:
    base, *ours = ({"x": normal(n, 300, 64)} for n in range(4))
    found = [
        one | {"x.fisher": normal(n, 300, 64) ** 2, "x.exp_avg_sq": normal(n + 9, 300, 64) ** 2}
        for n, one in enumerate(grams(inputs(1, 3, 90, 64)))
    ]
    one, two = (act(apply, operator, base, ours, statistics=found, jobs=n) for n in (1, 2))
    assert torch.equal(one["x"], two["x"])


@pytest.mark.parametrize("operator", OPERATORS)
def test_weights_must_fit_the_models(apply: Apply, operator: str) -> None:
    base, *ours = models(0, 4)
    with pytest.raises(ConfigError, match="2 given for 3 models"):
        act(apply, operator, base, ours, statistics=statistics(0), weights=(1, 1))
