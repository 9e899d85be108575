"""Laws of the spectral operators, by name as in the notes: U1 identity .. U7 shards."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

Apply = Callable[..., dict[str, Tensor]]
Model = dict[str, Tensor]

OPERATORS: dict[str, dict[str, Any]] = {
    "iso_c": {"weights": (0.3, 1.5, 0.4), "scale": 0.7},
    "tsv_m": {"weights": (0.3, 1.5, 0.4), "rank": 0.6},
    "wudi": {"weights": (0.3, 1.5, 0.4)},
    "opcm": {"alpha": 0.6},
    "doge": {"units": "task_vectors", "steps": 5, "scope": "tensor", "subspace": 0.4},
}
ORDERLESS = [name for name in OPERATORS if name != "opcm"]

few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 2**32)


def random_models(seed: int, count: int = 4) -> list[Model]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"a": (4, 6), "b": (7,), "c": (5, 3), "embed": (4, 3)}
    return [
        {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        for _ in range(count)
    ]


def act(apply: Apply, operator: str, models: list[Model], **changed: Any) -> Model:
    roles = {"base": models[:1], "model": models[1:]}
    return apply(operator, roles, **(OPERATORS[operator] | changed))


def near(one: Model, two: Model) -> bool:
    return all(torch.allclose(one[n], two[n], rtol=1e-4, atol=1e-5) for n in two)


def moved(base: Model, models: list[Model], change: Callable[[Tensor], Tensor]) -> list[Model]:
    """The base, and models whose task vectors are changed."""
    return [base, *({n: base[n] + change(m[n] - base[n]) for n in base} for m in models)]


def zero(model: Model) -> Model:
    return {name: torch.zeros_like(tensor) for name, tensor in model.items()}


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds)
def test_u1_equal_parents_have_an_equal_child(apply: Apply, operator: str, seed: int) -> None:
    (model,) = random_models(seed, 1)
    child = act(apply, operator, [model] * 4)
    assert all(torch.equal(child[name], model[name]) for name in model)


@pytest.mark.parametrize(("operator", "parameters"), [("tsv_m", {"rank": 1.0}), ("wudi", {})])
@few
@given(seeds)
def test_u2_equal_models_on_another_base(
    apply: Apply, operator: str, parameters: dict[str, Any], seed: int
) -> None:
    base, model = random_models(seed, 2)
    child = act(apply, operator, [base, model, model, model], weights=None, **parameters)
    assert near(child, model)


@pytest.mark.parametrize("operator", ORDERLESS)
@few
@given(seeds, st.permutations([0, 1, 2]))
def test_u3_order_of_models(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    base, *models = random_models(seed)
    weights = OPERATORS[operator].get("weights")
    changed = {"weights": tuple(weights[i] for i in order)} if weights else {}
    one = act(apply, operator, [base, *models])
    two = act(apply, operator, [base, *(models[i] for i in order)], **changed)
    assert near(one, two)


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds, st.sampled_from([0.25, 1024.0, 2.0**-20]))
def test_u4_scale_of_task_vectors(apply: Apply, operator: str, seed: int, factor: float) -> None:
    base, *models = random_models(seed)
    one = act(apply, operator, moved(zero(base), models, lambda t: t))
    scaled = act(apply, operator, moved(zero(base), models, lambda t: t * factor))
    if operator == "doge":  # Adam's epsilon is not in units of the task vectors to the last bit.
        scaled = {name: tensor / factor for name, tensor in scaled.items()}
    else:
        one = {name: tensor * factor for name, tensor in one.items()}
    assert all(torch.allclose(scaled[n], one[n], rtol=1e-4, atol=1e-5 * factor) for n in one)


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds)
def test_u5_sign(apply: Apply, operator: str, seed: int) -> None:
    base, *models = random_models(seed)
    child = act(apply, operator, moved(zero(base), models, lambda t: t))
    turned = act(apply, operator, moved(zero(base), models, torch.neg))
    assert near({name: -tensor for name, tensor in turned.items()}, child)


@pytest.mark.parametrize("operator", OPERATORS)
@few
@given(seeds, st.permutations(range(4)))
def test_u6_order_of_neurons(apply: Apply, operator: str, seed: int, order: list[int]) -> None:
    models = [{"a": model["a"]} for model in random_models(seed)]
    child = act(apply, operator, models)
    rows = act(apply, operator, [{"a": model["a"][order]} for model in models])
    assert near(rows, {"a": child["a"][order]})


@pytest.mark.parametrize("operator", ORDERLESS)
@few
@given(seeds)
def test_u7_tensors_alone_or_together(apply: Apply, operator: str, seed: int) -> None:
    """Not OPCM, whose norms are those of whole models."""
    models = random_models(seed)
    together = act(apply, operator, models)
    for name in together:
        alone = act(apply, operator, [{name: model[name]} for model in models])
        assert torch.equal(alone[name], together[name])


@pytest.mark.parametrize("operator", OPERATORS)
def test_number_of_jobs_does_not_matter(apply: Apply, operator: str) -> None:
    generator = torch.Generator().manual_seed(0)
    models = [{n: torch.randn(33, 21, generator=generator) for n in "ab"} for _ in range(4)]
    copies = [{name: tensor.clone() for name, tensor in model.items()} for model in models]
    one, three = (act(apply, operator, models, jobs=jobs) for jobs in (1, 3))
    assert all(torch.equal(one[name], three[name]) for name in one)
    assert all(torch.equal(m[n], c[n]) for m, c in zip(models, copies, strict=True) for n in m)


@pytest.mark.parametrize("operator", OPERATORS)
def test_tensors_without_elements_and_single_numbers(apply: Apply, operator: str) -> None:
    shapes = {"none": (0, 3), "scalar": (), "row": (1, 4), "cube": (2, 3, 4)}
    models = [{n: torch.full(s, float(k)) for n, s in shapes.items()} for k in range(4)]
    child = act(apply, operator, models)
    assert {name: tuple(tensor.shape) for name, tensor in child.items()} == shapes
    assert all(tensor.isfinite().all() for tensor in child.values())
