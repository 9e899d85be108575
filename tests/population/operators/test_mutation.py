import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import ConfigError
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]
Model = dict[str, Tensor]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def blocks(seed: int, count: int = 4) -> Model:
    names = [f"model.layers.{n}.mlp.up_proj.weight" for n in range(count)]
    names += ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
    return {name: random(3, 2, seed=100 * seed + n) for n, name in enumerate(names)}


# svd_mutation


def test_svd_mutation_grows_each_component_by_a_random_part_of_the_rate(apply: Apply) -> None:
    base, parent = random(40, 30), random(40, 30) + random(40, 30, seed=1)
    roles = {"base": [{"x": base}], "parent": [{"x": parent}]}
    change = apply("svd_mutation", roles, rate=0.1)["x"] - parent
    left, values, right = torch.linalg.svd((parent - base).double(), full_matrices=False)
    inner = left.T @ change.double() @ right.T
    growth = inner.diagonal() / values
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-5
    assert growth.min() > -1e-5
    assert growth.max() < 0.1 + 1e-5
    assert abs(growth.mean() - 0.05) < 4 * 0.1 / math.sqrt(12 * 30)


def test_svd_mutation_is_drawn_by_seed_and_tensor(apply: Apply) -> None:
    base = {"x": torch.zeros(5, 5), "y": torch.zeros(5, 5)}
    roles = {"base": [base], "parent": [{"x": random(5, 5), "y": random(5, 5)}]}
    child = apply("svd_mutation", roles)
    assert not torch.equal(child["x"], child["y"])
    assert torch.equal(child["x"], apply("svd_mutation", roles)["x"])
    assert not torch.equal(child["x"], apply("svd_mutation", roles, seed=1)["x"])


def test_svd_mutation_leaves_vectors_and_what_did_not_change(apply: Apply) -> None:
    names = {"norm": (3, 3), "bias": (3,), "embed_tokens": (4, 3), "lm_head": (4, 3)}
    parent = {name: random(*shape) for name, shape in names.items()}
    roles = {"base": [{n: t * 0 for n, t in parent.items()}], "parent": [parent]}
    assert all(torch.equal(t, parent[n]) for n, t in apply("svd_mutation", roles).items())
    changed = apply("svd_mutation", roles, embeddings=True)
    moved = {name for name in parent if not torch.equal(changed[name], parent[name])}
    assert moved == {"embed_tokens", "lm_head"}
    same = {"base": [{"x": random(4, 5)}], "parent": [{"x": random(4, 5)}]}
    assert torch.equal(apply("svd_mutation", same)["x"], random(4, 5))
    still = {"base": [{"x": torch.zeros(4, 5)}], "parent": [{"x": random(4, 5)}]}
    assert torch.equal(apply("svd_mutation", still, rate=0.0)["x"], random(4, 5))


# rescale


def test_rescale_multiplies_the_task_vector_or_the_weights(merged: Merged) -> None:
    roles = {"parent": [[3.0, 5.0]]}
    assert merged("rescale", roles, factor=0.5).tolist() == [1.5, 2.5]
    assert merged("rescale", roles | {"base": [[1.0, 1.0]]}, factor=0.5).tolist() == [2, 3]
    assert merged("rescale", {"parent": [[0.1]], "base": [[1e8]]}, factor=1.0).tolist() == [
        torch.tensor(0.1).item()
    ]


def test_rescale_by_groups_of_layers(apply: Apply) -> None:
    parent = blocks(1)
    rules = [{"value": 3.0, "layers": (1, 2)}, {"value": 1.0}]
    child = apply("rescale", {"parent": [parent]}, factor=rules)
    for name, tensor in parent.items():
        factor = 3 if ".1." in name or ".2." in name else 1
        assert torch.equal(child[name], tensor * factor)


# split_point


def test_split_point_by_hand(merged: Merged) -> None:
    """Whole vectors with a right angle: t = 1/3 has shares sin 60 and sin 30."""
    roles = {"model": [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]]}
    first, second = math.sin(math.pi / 3), math.sin(math.pi / 6)
    result = merged("split_point", roles, split=0.5, t=1 / 3)
    expected = [first + second, first - second, second + first, second - first]
    assert result.tolist() == pytest.approx(expected, abs=1e-6)


def test_split_point_counts_over_all_tensors_in_order_of_names(apply: Apply) -> None:
    ones = {"b": torch.ones(2, 3), "a": torch.ones(4), "c": torch.ones(2)}
    twos = {name: 2 * tensor for name, tensor in ones.items()}  # Parallel: interpolated linearly.
    child = apply("split_point", {"model": [ones, twos]}, split=7 / 12, t=0.0)
    assert child["a"].tolist() == [1, 1, 1, 1]
    assert child["b"].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert child["c"].tolist() == [2, 2]


def test_split_point_within_and_between_blocks(apply: Apply) -> None:
    size = 2**18 + 1000
    models = [{"x": random(size, seed=n), "y": random(50, seed=10 + n)} for n in range(2)]
    for split in (0.0, 0.3, 2**18 / (size + 50), 0.9999):
        child = apply("split_point", {"model": models}, split=split, t=0.0)
        index = int(split * (size + 50))
        flat = torch.cat([child["x"], child["y"]])
        parents = [torch.cat([model["x"], model["y"]]) for model in models]
        assert torch.allclose(flat[:index], parents[0][:index], atol=1e-6)
        assert torch.allclose(flat[index:], parents[1][index:], atol=1e-6)


def test_split_point_with_fused_and_integer_tensors(apply: Apply) -> None:
    """The halves of a fused tensor follow each other; what is not of floating point is no part."""
    models = [
        {"gate_up_proj.weight": torch.full((4, 2), float(n)), "steps": torch.arange(9)}
        for n in (1, 2)
    ]
    child = apply("split_point", {"model": models}, split=0.75, t=0.0)["gate_up_proj.weight"]
    assert child.tolist() == [[1, 1], [1, 1], [1, 1], [2, 2]]


def test_split_point_uses_the_angle_of_the_whole_models(apply: Apply) -> None:
    """Regression: by its own angle each tensor would be an operator of its own."""
    one = {"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([5.0, 1.0])}
    two = {"a": torch.tensor([0.0, 1.0]), "b": torch.tensor([4.0, -2.0])}
    child = apply("split_point", {"model": [one, two]}, split=0.99, t=0.5)
    flat, *parents = (torch.cat([m["a"], m["b"]]).double() for m in (child, one, two))
    angle = torch.acos(parents[0] @ parents[1] / parents[0].norm() / parents[1].norm())
    expected = (parents[0] + parents[1]) * torch.sin(angle / 2) / torch.sin(angle)
    assert torch.allclose(flat, expected, atol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_split_point_is_linear_where_there_is_no_one_arc(merged: Merged, sign: float) -> None:
    """Regression: the sine of the angle of antiparallel vectors is 0 but for rounding."""
    values = random(1000).tolist()
    roles = {"model": [values, [2 * sign * value for value in values]]}
    result = merged("split_point", roles, split=0.0, t=0.75)  # 1 - t = 1/4 everywhere.
    expected = [(0.75 + 0.5 * sign) * value for value in values]
    assert result.tolist() == pytest.approx(expected, rel=1e-4)
    assert merged("split_point", {"model": [[0.0], [0.0]]}, split=0.5, t=0.5).tolist() == [0]


# layer_choice and layer_swap


def same(child: Model, parent: Model, *parts: str) -> bool:
    """Whether all tensors whose names have one of the parts are the parent's, bit by bit."""
    return all(
        torch.equal(child[name].view(torch.int32), parent[name].view(torch.int32))
        for name in parent
        if any(part in name for part in parts)
    )


def test_layer_choice_takes_blocks_whole(apply: Apply) -> None:
    models = [blocks(n) for n in range(3)]
    models[0]["model.layers.1.mlp.up_proj.weight"][0, 0] = -0.0
    child = apply("layer_choice", {"model": models}, choice=(2, 0, 1, 0))
    assert same(child, models[2], "layers.0.", "embed")
    assert same(child, models[0], "layers.1.", "layers.3.", "norm", "lm_head")
    assert same(child, models[1], "layers.2.")
    outside = apply("layer_choice", {"model": models}, choice=(2, 0, 1, 0), before=1, after=2)
    assert same(outside, models[1], "embed")
    assert same(outside, models[2], "norm", "lm_head")


def swap(apply: Apply, *counts: int) -> tuple[Model, Model, Model]:
    language, task = blocks(1, 6), blocks(2, 6)
    names = ("bottom", "bottom_transition", "top_transition", "top")
    parameters: dict[str, Any] = dict(zip(names, counts, strict=True))
    roles = {"language": [language], "task": [task]}
    return apply("layer_swap", roles, **parameters), language, task


def test_layer_swap_takes_ends_from_the_language_expert(apply: Apply) -> None:
    child, language, task = swap(apply, 2, 1, 1, 1)
    assert same(child, language, "layers.0.", "layers.1.", "layers.5.", "embed", "norm", "lm_head")
    assert same(child, task, "layers.3.")
    for number in (2, 4):
        name = f"model.layers.{number}.mlp.up_proj.weight"
        assert torch.allclose(child[name], (language[name] + task[name]) / 2)


def test_layer_swap_of_nothing_and_of_all(apply: Apply) -> None:
    child, _, task = swap(apply, 0, 0, 0, 0)
    assert same(child, task, "")
    child, language, _ = swap(apply, 6, 0, 0, 0)
    assert same(child, language, "")


def test_layer_operators_refuse_other_numbers_of_blocks(apply: Apply) -> None:
    with pytest.raises(ConfigError, match=r"choice: 3 given, but .* stack of 4 blocks"):
        apply("layer_choice", {"model": [blocks(1), blocks(2)]}, choice=(0, 1, 0))
    with pytest.raises(ConfigError, match=r"are 9 blocks, but .* stack of 4; lower them"):
        apply("layer_swap", {"language": [blocks(1)], "task": [blocks(2)]})


@pytest.mark.parametrize(
    ("operator", "roles", "parameters", "message"),
    [
        ("layer_choice", "model model", {"choice": [0, 2]}, "there is no model 2; say 0 to 1"),
        ("layer_choice", "model", {"choice": [0], "after": 1}, "there is no model 1"),
        ("layer_choice", "model", {"choice": []}, "choice"),
        ("split_point", "model model", {"split": 1.0, "t": 0.5}, "split: input should be less"),
        ("svd_mutation", "parent", {}, "takes exactly one 'base' as parent, not 0"),
        ("rescale", "parent", {}, "factor"),
    ],
)
def test_wrong_recipes_are_refused(
    operator: str, roles: str, parameters: dict[str, Any], message: str
) -> None:
    parents = tuple(Parent(f"id{n}", role) for n, role in enumerate(roles.split()))
    with pytest.raises(ConfigError, match=message):
        validate(Recipe(operator, parents, parameters, 0))


def test_split_point_adds_noise_of_the_recipe_if_asked(apply: Apply) -> None:
    models = [{"x": random(20_000, seed=n)} for n in range(2)]
    plain, noisy, again = (
        apply("split_point", {"model": models}, split=0.5, t=0.2, sigma=sigma)["x"]
        for sigma in (0.0, 0.01, 0.01)
    )
    assert torch.equal(noisy, again)
    assert float((noisy - plain).std()) == pytest.approx(0.01, rel=0.03)


# What all share


@pytest.mark.parametrize(
    ("operator", "roles", "parameters"),
    [
        ("svd_mutation", ("base", "parent"), {}),
        ("rescale", ("base", "parent"), {"factor": 0.3}),
        ("split_point", ("model", "model"), {"split": 0.4, "t": 0.5}),
        ("layer_choice", ("model", "model"), {"choice": (0, 1, 1, 0)}),
        ("layer_swap", ("language", "task"), {"bottom": 1, "top": 1}),
    ],
)
def test_equal_parents_have_an_equal_child_and_parents_stay(
    apply: Apply, operator: str, roles: tuple[str, ...], parameters: dict[str, Any]
) -> None:
    parent, other = blocks(1), blocks(2)
    for models in ([parent, parent], [parent, other]):
        given: dict[str, list[Model]] = {}
        for role, model in zip(roles, models, strict=True):
            given.setdefault(role, []).append(model)
        one, two = (apply(operator, given, jobs=jobs, **parameters) for jobs in (1, 3))
        assert all(torch.equal(one[name], two[name]) for name in one)
        if models[1] is parent:
            assert all(torch.allclose(one[n], parent[n], atol=1e-7) for n in one)
    assert same(parent, blocks(1), "")
    assert same(other, blocks(2), "")
