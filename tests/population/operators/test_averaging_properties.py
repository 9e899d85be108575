"""Laws that averages obey, by name as in the notes: U1 identity .. U8 type of the output."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.population.threads import set_num_threads

Apply = Callable[..., dict[str, Tensor]]
Models = list[dict[str, Tensor]]

OPTIONAL_BASE: dict[str, dict[str, Any]] = {
    "nuslerp": {"weights": (0.5, 1.5)},
    "nuslerp row": {"axis": "row", "weights": (0.5, 1.5)},
    "nuslerp column": {"axis": "column"},
    "multislerp": {"weights": (0.5, 1.25, 0.25)},
    "karcher": {"weights": (0.5, 1.25, 0.25)},
}
ON_BASE = {f"{name} on base": parameters for name, parameters in OPTIONAL_BASE.items()}
NEEDS_BASE: dict[str, dict[str, Any]] = {
    "model_stock": {},
    "model_stock row": {"scope": "row"},
    "nearswap": {"t": 0.3},
    "arcee_fusion": {},
    "ram": {},
    "ram_plus": {"scope": "tensor", "alpha": 2.0},
    "ram_plus model": {"alpha": 2.0},
}
RUN: dict[str, dict[str, Any]] = {"sma": {}, "ema": {"alpha": 0.4}, "wma": {}}
WITH_BASE = {**ON_BASE, **NEEDS_BASE}
ALL = {**OPTIONAL_BASE, **WITH_BASE, **RUN}
ONE_MODEL = ("nearswap", "arcee_fusion")
UNORDERED = [name for name in ALL if name not in (*ONE_MODEL, "ema", "wma")]
# A threshold in units of the weights; the softmax of weights.
SCALE_FREE = [n for n in WITH_BASE if not n.startswith(("ram", *ONE_MODEL))]

few = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 2**32)


def roles(operator: str, models: Models) -> dict[str, Models]:
    """The first model is the base, where there is one."""
    name = operator.split()[0]
    count = 1 if name in ONE_MODEL else 2 if name in ("nuslerp", "slerp") else 3
    base = {"base": models[:1]} if operator in WITH_BASE else {}
    return base | {"model": models[1 : 1 + count]}


def random_models(seed: int, count: int = 4) -> Models:
    """Quarters, so that sums are exact; with a column, a scalar and a vector of zeros."""
    generator = torch.Generator().manual_seed(seed)

    def tensor(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).mul(8).round().div(4)

    return [
        {
            "a": tensor(4, 6),
            "b": tensor(7),
            "c": tensor(3, 2) + 3,
            "d": torch.zeros(5),
            "e": tensor(2, 3, 2),
        }
        for _ in range(count)
    ]


def act(apply: Apply, operator: str, models: Models, **changed: Any) -> dict[str, Tensor]:
    return apply(operator.split()[0], roles(operator, models), **(ALL.get(operator, {}) | changed))


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def near(one: dict[str, Tensor], two: dict[str, Tensor], tolerance: float = 1e-5) -> bool:
    return all(torch.allclose(one[n], two[n], rtol=tolerance, atol=tolerance) for n in one)


def mapped(models: Models, change: Callable[[Tensor], Tensor]) -> Models:
    return [{name: change(tensor) for name, tensor in model.items()} for model in models]


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds)
def test_u1_equal_parents_have_an_equal_child(apply: Apply, operator: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    model = {"a": torch.randn(5, 3, generator=generator), "b": torch.zeros(4)}
    assert equal(act(apply, operator, [model] * 4), model)


@pytest.mark.parametrize("operator", [name for name in ALL if name not in ONE_MODEL])
@few
@given(seeds)
def test_u2_equal_models_on_another_base(apply: Apply, operator: str, seed: int) -> None:
    base, model = random_models(seed, 2)
    assert near(act(apply, operator, [base, model, model, model]), model)


@pytest.mark.parametrize("operator", UNORDERED)
@few
@given(seeds, st.permutations([0, 1, 2]))
def test_u3_order_of_models(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    base, *models = random_models(seed)
    weights = ALL[operator].get("weights")
    order = [1, 0, 2] if operator.startswith("nuslerp") else order
    moved = {"weights": tuple(weights[i] for i in order if i < len(weights))} if weights else {}
    one = act(apply, operator, [base, *models])
    two = act(apply, operator, [base, *(models[i] for i in order)], **moved)
    assert near(one, two, tolerance=1e-4)


@pytest.mark.parametrize("operator", SCALE_FREE)
@few
@given(seeds, st.sampled_from([2.0**-60, 0.25, 1024.0, 2.0**60]))
def test_u4_scale_of_task_vectors(apply: Apply, operator: str, seed: int, factor: float) -> None:
    zero, *vectors = random_models(seed)
    zero = {name: torch.zeros_like(tensor) for name, tensor in zero.items()}
    one = act(apply, operator, [zero, *vectors])
    scaled = act(apply, operator, [zero, *mapped(vectors, lambda t: t * factor)])
    assert equal(scaled, {name: tensor * factor for name, tensor in one.items()})


@pytest.mark.parametrize("operator", [name for name in ALL if name != "arcee_fusion"])
@few
@given(seeds)
def test_u5_sign(apply: Apply, operator: str, seed: int) -> None:
    """Not where a softmax of weights counts."""
    models = random_models(seed)
    child = act(apply, operator, models)
    turned = act(apply, operator, mapped(models, torch.neg))
    assert equal(turned, {name: -tensor for name, tensor in child.items()})


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds, st.permutations(range(4)))
def test_u6_order_of_neurons(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    models = [{"a": model["a"]} for model in random_models(seed)]
    child = act(apply, operator, models)
    moved = act(apply, operator, mapped(models, lambda t: t[order]))
    assert near(moved, {"a": child["a"][order]})


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds)
def test_u7_tensors_alone_or_together(apply: Apply, operator: str, seed: int) -> None:
    models = random_models(seed)
    together = act(apply, operator, models)
    turned = [dict(reversed(model.items())) for model in models]
    assert equal(act(apply, operator, turned), dict(reversed(together.items())))
    if operator != "ram_plus model":
        for name in together:
            alone = act(apply, operator, [{name: model[name]} for model in models])
            assert torch.equal(alone[name], together[name])


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds)
def test_u8_result_is_float32_of_the_same_shape_and_parents_stay(
    apply: Apply, operator: str, seed: int
) -> None:
    models = random_models(seed)
    child = act(apply, operator, models)
    assert all(t.dtype == torch.float32 and t.shape == models[0][n].shape for n, t in child.items())
    assert all(equal(one, two) for one, two in zip(models, random_models(seed), strict=True))
    assert torch.equal(child["d"], torch.zeros(5))


@pytest.mark.parametrize("operator", ALL)
def test_number_of_threads_does_not_matter(apply: Apply, operator: str) -> None:
    generator = torch.Generator().manual_seed(0)
    models = [{"a": torch.randn(701, 401, generator=generator)} for _ in range(4)]
    before = torch.get_num_threads()
    try:
        children = []
        for threads in (1, 3):
            set_num_threads(threads)
            children.append(act(apply, operator, models))
    finally:
        set_num_threads(before)
    assert equal(children[0], children[1])


@pytest.mark.parametrize("operator", [*ALL, "linear", "slerp"])
@pytest.mark.parametrize("scale", [1e37, 1e-37, 1e-44])
def test_nothing_overflows_or_vanishes_into_nan(apply: Apply, operator: str, scale: float) -> None:
    models = mapped(random_models(3), lambda t: t.clamp(-2, 2) * scale)
    child = act(apply, operator, models)
    for name, tensor in child.items():
        longest = max(model[name].double().norm() for model in models)
        # Between nearly opposite rows of unequal lengths an arc is up to 32 times as long.
        assert tensor.double().norm() <= 64 * longest


@pytest.mark.parametrize("operator", ["nuslerp", "multislerp", "karcher"])
def test_norms_far_apart_do_not_overflow(apply: Apply, operator: str) -> None:
    generator = torch.Generator().manual_seed(0)
    models = [{"a": torch.randn(9, generator=generator) * s} for s in (1.0, 1e30, 1e-30, 1e-42)]
    for pair in (models, models[::-1]):
        assert act(apply, operator, pair)["a"].isfinite().all()


@pytest.mark.parametrize("operator", ALL)
def test_tensors_of_zeros_of_one_element_and_of_one_column(apply: Apply, operator: str) -> None:
    zeros = {"a": torch.zeros(3, 4), "b": torch.zeros(1), "c": torch.zeros(4, 1)}
    assert equal(act(apply, operator, [zeros] * 4), zeros)
    ones = mapped([zeros], torch.ones_like)[0]
    changed = {"t": 1.0} if operator == "nearswap" else {}
    child = act(apply, operator, [zeros, ones, ones, ones], **changed)
    assert near(child, ones)
