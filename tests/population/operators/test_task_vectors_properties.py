"""Laws that operators on task vectors obey, by name as in the notes: U1 identity .. U7 shards."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

Apply = Callable[..., dict[str, Tensor]]
Model = dict[str, Tensor]

W = (0.25, 1.5, 0.5)
CASES: dict[str, dict[str, Any]] = {
    "ties sum": {"density": 0.4, "merge": "sum", "weights": W},
    "ties max": {"density": 0.4, "merge": "max", "weights": W, "scope": "tensor"},
    "dare_linear l1": {"rescale": "l1", "weights": W},
    "dare_ties l1": {"rescale": "l1", "merge": "sum"},
    "della_linear": {"density": 0.6, "epsilon": 0.2, "weights": W},
    "della": {"density": 0.6, "epsilon": 0.2, "scale": 1.5},
    "breadcrumbs row": {"density": 0.5, "gamma": 0.2, "weights": W},
    "breadcrumbs tensor": {"density": 0.5, "gamma": 0.1, "scope": "tensor"},
    "breadcrumbs_ties": {"density": 0.5, "gamma": 0.2, "weights": W},
    "magmax": {"scale": 0.5, "weights": W},
    "sce": {"select_topk": 0.6},
    "sce all": {"select_topk": 0.6, "merge": "all"},
    "pcb": {"ratio": 0.4, "clamp": 0.05, "weights": W},
    "pcb tensor": {"ratio": 0.4, "clamp": 0.05, "scope": "tensor"},
    "consensus": {"threshold": 0.4, "weights": W},
    "tall_mask": {"threshold": 0.4, "task": 1},
    "lines": {"alpha": 0.25, "beta": 0.5, "weights": W},
    "compeft": {"density": 0.4, "weights": W},
    "emr": {},
    "emr task": {"task": 1},
    "widen": {},
}
RANDOM = ("dare_linear l1", "dare_ties l1", "della_linear", "della")
WHOLE_MODEL = ("ties sum", "pcb", "compeft", "emr task")

few = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 2**32)


def cases(*without: str) -> Any:
    return pytest.mark.parametrize("case", [case for case in CASES if case not in without])


def random_models(seed: int, count: int = 4, coarse: bool = True) -> list[Model]:
    """Tensors that, if coarse, share magnitudes, have exact zeros, and cancel now and then."""
    generator = torch.Generator().manual_seed(seed)

    def tensor(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=generator)
        return values.mul(2).round().div(4) if coarse else values

    return [{"a": tensor(4, 6), "b": tensor(7), "embed": tensor(3, 2)} for _ in range(count)]


def act(apply: Apply, case: str, models: list[Model], **changed: Any) -> Model:
    roles = {"base": models[:1], "model": models[1:]}
    return apply(case.split()[0], roles, **CASES[case] | changed)


def equal(one: Model, two: Model) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def near(one: Model, two: Model) -> bool:
    return all(torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-5) for name in one)


@cases()
@few
@given(seeds)
def test_u1_equal_parents_have_an_equal_child(apply: Apply, case: str, seed: int) -> None:
    model = random_models(seed, 1, coarse=False)[0]
    assert equal(act(apply, case, [model] * 4), model)


@pytest.mark.parametrize(
    ("case", "parameters"),
    [
        ("ties max", {"density": 1.0, "weights": None}),
        ("breadcrumbs_ties", {"density": 1.0, "gamma": 0, "weights": None}),
        ("magmax", {"scale": 1.0, "weights": None}),
        ("sce", {"select_topk": 1.0}),
        ("sce all", {}),
        ("consensus", {"votes": 0, "weights": (0.25, 0.25, 0.5)}),
        ("lines", {"alpha": 1.0, "beta": 0, "weights": (0.25, 0.25, 0.5)}),
        ("emr", {}),
        ("emr task", {}),
    ],
)
@few
@given(seeds)
def test_u2_equal_models_on_another_base(
    apply: Apply, case: str, parameters: dict[str, Any], seed: int
) -> None:
    base, model = random_models(seed, 2, coarse=False)
    assert near(act(apply, case, [base, model, model, model], **parameters), model)


@cases(*RANDOM, "tall_mask", "emr task")
@few
@given(seeds, st.permutations([0, 1, 2]))
def test_u3_order_of_models(apply: Apply, case: str, seed: int, order: list[int]) -> None:
    """Not of the two that single a model out; and of equal magnitudes magmax takes the last."""
    base, *models = random_models(seed, coarse=case not in ("magmax", "pcb", "pcb tensor"))
    changed: list[dict[str, Any]] = [{}, {}]
    if "weights" in CASES[case]:
        changed = [{"weights": W}, {"weights": tuple(W[i] for i in order)}]
    one = act(apply, case, [base, *models], **changed[0])
    assert near(one, act(apply, case, [base, *(models[i] for i in order)], **changed[1]))


@cases("widen")
@few
@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]))
def test_u4_scale_of_task_vectors(apply: Apply, case: str, seed: int, factor: float) -> None:
    """To the last bit. Not of widen, whose vectors are weighed by their magnitudes."""
    zero, *models = random_models(seed)
    zero = {name: torch.zeros_like(tensor) for name, tensor in zero.items()}
    scaled = [{name: x * factor for name, x in model.items()} for model in models]
    one = act(apply, case, [zero, *models])
    assert equal(act(apply, case, [zero, *scaled]), {n: x * factor for n, x in one.items()})


@cases()
@few
@given(seeds)
def test_u5_sign(apply: Apply, case: str, seed: int) -> None:
    models = random_models(seed)
    turned = [{name: -tensor for name, tensor in model.items()} for model in models]
    child = act(apply, case, models)
    assert equal(act(apply, case, turned), {name: -tensor for name, tensor in child.items()})


@pytest.mark.parametrize(
    "case",
    ["breadcrumbs row", "breadcrumbs_ties", "magmax", "consensus", "lines", "emr", "widen"],
)
@few
@given(seeds, st.permutations(range(4)))
def test_u6_order_of_neurons(apply: Apply, case: str, seed: int, order: list[int]) -> None:
    """Not where elements of equal magnitude are chosen by place, nor for masks by place."""
    models = [{"a": model["a"]} for model in random_models(seed)]
    child = act(apply, case, models)
    moved = act(apply, case, [{"a": model["a"][order]} for model in models])
    assert near(moved, {"a": child["a"][order]})


@cases()
@few
@given(seeds)
def test_u7_tensors_alone_or_together(apply: Apply, case: str, seed: int) -> None:
    models = random_models(seed)
    together = act(apply, case, models)
    turned = act(apply, case, [dict(reversed(model.items())) for model in models])
    assert equal(turned, dict(reversed(together.items())))
    if case not in WHOLE_MODEL:
        for name in together:
            alone = act(apply, case, [{name: model[name]} for model in models])
            assert torch.equal(alone[name], together[name])


@cases()
@few
@given(seeds)
def test_result_is_float32_of_the_same_shape_and_parents_stay(
    apply: Apply, case: str, seed: int
) -> None:
    models = random_models(seed)
    child = act(apply, case, models)
    assert all(t.dtype == torch.float32 and t.shape == models[0][n].shape for n, t in child.items())
    assert all(equal(one, two) for one, two in zip(models, random_models(seed), strict=True))


@cases()
def test_number_of_jobs_does_not_matter(apply: Apply, case: str) -> None:
    generator = torch.Generator().manual_seed(0)
    models = [
        {name: torch.randn(700, 401, generator=generator).bfloat16() for name in ("a", "embed")}
        for _ in range(3)
    ]
    changed = {"weights": (0.5, 2.0)} if "weights" in CASES[case] else {}
    one, two = (act(apply, case, models, jobs=jobs, **changed) for jobs in (1, 3))
    assert equal(one, two)
    assert all(tensor.isfinite().all() for tensor in one.values())
