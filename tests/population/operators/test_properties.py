"""Laws that operators obey, by name as in the notes: U1 identity .. U8 type of the output."""

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

PULLS = {"inertia": 0.2, "cognitive": 0.3, "social": 0.1, "repulsion": 0.1, "step": 0.5}
SWARM = ("current", "personal_best", "best", "worst", "inertia_from", "inertia_to")
WITH_BASE = {
    "task_arithmetic": {"scale": 0.7, "weights": (0.3, 1.5, 0.4)},
    "ties": {"density": 0.4, "scale": 1.3, "weights": (0.3, 1.5, 0.4)},
    "ties tensor": {"density": 0.4, "scope": "tensor"},
    "ties row": {"density": 0.5, "scope": "row"},
    "dare_linear": {"density": 0.6, "scale": 0.7},
    "dare_ties": {"density": 0.6, "weights": (0.3, 1.5, 0.4)},
}
MERGES = {"linear": {"weights": (0.2, 0.3, 0.5)}, "slerp": {"t": 0.3}, **WITH_BASE}
DETERMINISTIC = {k: v for k, v in MERGES.items() if "dare" not in k}
ALL = {**MERGES, "succession": PULLS, "gaussian": {"sigma": 0.1, "density": 0.5}}

few = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 2**32)


def roles(operator: str, models: Models) -> dict[str, Models]:
    """The first model is the base, or the current individual."""
    if operator == "succession":
        return {role: [models[n % len(models)]] for n, role in enumerate(SWARM)}
    if operator == "gaussian":
        return {"parent": models[:1]}
    if operator in WITH_BASE:
        return {"base": models[:1], "model": models[1:4]}
    return {"model": models[1:3] if operator == "slerp" else models[1:4]}


def random_models(seed: int, count: int = 4) -> Models:
    """Tensors that share magnitudes, have exact zeros, and cancel now and then."""
    generator = torch.Generator().manual_seed(seed)

    def tensor(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).mul(2).round().div(4)

    return [{"a": tensor(4, 6), "b": tensor(7), "c": tensor(3, 2)} for _ in range(count)]


def act(apply: Apply, operator: str, models: Models, **changed: Any) -> dict[str, Tensor]:
    parameters = ALL[operator] | changed
    return apply(operator.split()[0], roles(operator, models), **parameters)


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def near(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return all(torch.allclose(one[name], two[name], rtol=1e-5, atol=1e-6) for name in one)


def mapped(models: Models, change: Callable[[Tensor], Tensor]) -> Models:
    return [{name: change(tensor) for name, tensor in model.items()} for model in models]


def with_base(base: dict[str, Tensor], deltas: Models, factor: float) -> Models:
    return [base, *({n: base[n] + factor * d[n] for n in base} for d in deltas)]


@pytest.mark.parametrize("operator", [*MERGES, "succession"])
@few
@given(seeds)
def test_u1_equal_parents_have_an_equal_child(apply: Apply, operator: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    model = {"a": torch.randn(5, 3, generator=generator), "b": torch.zeros(4)}
    assert equal(act(apply, operator, [model] * 4), model)


@pytest.mark.parametrize(
    ("operator", "parameters"),
    [
        ("linear", {}),
        ("slerp", {}),
        ("task_arithmetic", {"weights": (0.25, 0.5, 0.25), "scale": 1.0}),
        ("ties", {"density": 1.0, "scale": 1.0}),
    ],
)
@few
@given(seeds)
def test_u2_equal_models_on_another_base(
    apply: Apply, operator: str, parameters: dict[str, Any], seed: int
) -> None:
    base, model = random_models(seed, 2)
    assert near(act(apply, operator, [base, model, model, model], **parameters), model)


@pytest.mark.parametrize("operator", DETERMINISTIC)
@few
@given(seeds, st.permutations([0, 1, 2]))
def test_u3_order_of_models(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    base, *models = random_models(seed)
    if operator == "slerp":
        one = act(apply, operator, [base, models[0], models[1]], t=0.3)
        two = act(apply, operator, [base, models[1], models[0]], t=0.7)
    else:
        weights = ALL[operator].get("weights", (1.0, 1.0, 1.0))
        moved = tuple(weights[i] for i in order)
        # Quarters weigh exactly, so that sums that cancel do so in any order.
        weights, moved = (tuple(round(4 * w) / 4 for w in ws) for ws in (weights, moved))
        one = act(apply, operator, [base, *models], weights=weights)
        two = act(apply, operator, [base, *(models[i] for i in order)], weights=moved)
    assert near(one, two)


@pytest.mark.parametrize("operator", WITH_BASE)
@few
@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]))
def test_u4_scale_of_task_vectors(apply: Apply, operator: str, seed: int, factor: float) -> None:
    zero, *deltas = mapped(random_models(seed), lambda t: t)
    zero = {name: torch.zeros_like(tensor) for name, tensor in zero.items()}
    one = act(apply, operator, with_base(zero, deltas, 1.0))
    scaled = act(apply, operator, with_base(zero, deltas, factor))
    assert equal(scaled, {name: tensor * factor for name, tensor in one.items()})


@pytest.mark.parametrize("operator", [*MERGES, "succession"])
@few
@given(seeds)
def test_u5_sign(apply: Apply, operator: str, seed: int) -> None:
    models = random_models(seed)
    child = act(apply, operator, models)
    turned = act(apply, operator, mapped(models, torch.neg))
    assert equal(turned, {name: -tensor for name, tensor in child.items()})


@pytest.mark.parametrize(
    "operator", ["linear", "slerp", "task_arithmetic", "ties row", "succession"]
)
@few
@given(seeds, st.permutations(range(4)))
def test_u6_order_of_neurons(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    """Not where elements of equal magnitude are chosen by place, nor for masks by place."""
    models = [{"a": model["a"]} for model in random_models(seed)]
    child = act(apply, operator, models)
    moved = act(apply, operator, mapped(models, lambda t: t[order]))
    assert near(moved, {"a": child["a"][order]})


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds)
def test_u7_tensors_alone_or_together(apply: Apply, operator: str, seed: int) -> None:
    """By tensor name, order of the tensors aside; a whole-model scope needs the whole model."""
    models = random_models(seed)
    together = act(apply, operator, models)
    turned = [dict(reversed(model.items())) for model in models]
    assert equal(act(apply, operator, turned), dict(reversed(together.items())))
    if operator != "ties":
        for name in together:
            alone = act(apply, operator, [{name: model[name]} for model in models])
            assert torch.equal(alone[name], together[name])


@pytest.mark.parametrize("operator", ALL)
@few
@given(seeds)
def test_result_is_float32_of_the_same_shape_and_parents_stay(
    apply: Apply, operator: str, seed: int
) -> None:
    models = random_models(seed)
    child = act(apply, operator, models)
    assert all(t.dtype == torch.float32 and t.shape == models[0][n].shape for n, t in child.items())
    assert all(equal(one, two) for one, two in zip(models, random_models(seed), strict=True))


@pytest.mark.parametrize("operator", ALL)
def test_number_of_threads_does_not_matter(apply: Apply, operator: str) -> None:
    generator = torch.Generator().manual_seed(0)
    models = [{"a": torch.randn(301, 401, generator=generator)} for _ in range(4)]
    before = torch.get_num_threads()
    try:
        children = []
        for threads in (1, 2, 3):
            set_num_threads(threads)
            children.append(act(apply, operator, models))
    finally:
        set_num_threads(before)
    assert equal(children[0], children[1])
    assert equal(children[0], children[2])
