import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.configs.operators.spectral import Doge
from speciate.errors import BreedError, ConfigError
from speciate.population.operators.registry import validate
from speciate.population.operators.spectral.adam import minimised
from speciate.population.operators.spectral.doge import correction, shared_basis
from speciate.population.operators.spectral.opcm import projected
from speciate.population.operators.spectral.svd import orthogonalised, svd
from speciate.records import Parent, Recipe

Apply = Callable[..., dict[str, Tensor]]
Child = Callable[..., Tensor]

MATRIX_OPERATORS = ("iso_c", "tsv_m", "wudi", "opcm", "doge")


@pytest.fixture
def child(apply: Apply) -> Child:
    """The merged task vector of matrices, on a base of zeros."""

    def make(operator: str, *vectors: Tensor, name: str = "layer", **parameters: Any) -> Tensor:
        base = {name: torch.zeros_like(vectors[0])}
        roles = {"base": [base], "model": [{name: vector} for vector in vectors]}
        return apply(operator, roles, **parameters)[name]

    return make


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def near(one: Tensor, two: Tensor) -> bool:
    return torch.allclose(one.double(), two.double(), rtol=1e-5, atol=1e-5)


# Iso-C


def test_iso_c_by_hand(child: Child) -> None:
    assert near(child("iso_c", torch.diag(torch.tensor([3.0, 1.0]))), 2 * torch.eye(2))
    two = child("iso_c", torch.diag(torch.tensor([3.0, 0.0])), torch.diag(torch.tensor([0.0, -1])))
    assert near(two, torch.diag(torch.tensor([2.0, -2.0])))


def test_iso_c_keeps_the_nuclear_norm_and_makes_values_equal(child: Child) -> None:
    one, two = random(5, 8), random(5, 8, seed=1)
    values = torch.linalg.svdvals(child("iso_c", one, two, weights=(0.5, 2.0), scale=3.0))
    assert near(values, values.mean().expand(5))
    assert near(values.sum(), 3 * torch.linalg.svdvals(0.5 * one + 2 * two).sum())


def test_iso_c_adds_no_directions_of_chance(child: Child) -> None:
    """Regression: of a sum of rank 1 all singular values would be raised, along any vectors."""
    vector = torch.outer(random(6), random(9, seed=1))
    assert near(child("iso_c", vector), vector)
    assert torch.linalg.matrix_rank(child("iso_c", vector)) == 1


# TSV-M


def test_tsv_m_of_one_model_is_that_model(child: Child) -> None:
    for shape in ((4, 7), (7, 4), (1, 3)):
        assert near(child("tsv_m", random(*shape)), random(*shape))


def test_tsv_m_adds_what_does_not_interfere(child: Child) -> None:
    one, two = torch.zeros(4, 4), torch.zeros(4, 4)
    one[0, 1], one[1, 0], two[2, 3], two[3, 2] = 3.0, 2.0, 5.0, 1.0
    assert near(child("tsv_m", one, two), one + two)


def test_tsv_m_keeps_singular_values_of_all(child: Child) -> None:
    one, two = random(6, 9), random(6, 9, seed=1)
    kept = torch.cat([torch.linalg.svdvals(vector)[:3] for vector in (one, two)])
    values = torch.linalg.svdvals(child("tsv_m", one, two))
    assert near(values, kept.sort(descending=True).values)
    fewer = child("tsv_m", one, two, rank=0.2)
    assert torch.linalg.matrix_rank(fewer) == 2


def test_tsv_m_of_equal_models_is_that_model(child: Child) -> None:
    """Components that coincide are averaged, for any number of models of weight 1."""
    vector = random(6, 4)
    assert near(child("tsv_m", vector, vector, rank=1.0), vector)
    assert near(child("tsv_m", vector, vector, vector, rank=1.0), vector)


def test_tsv_m_is_not_bent_by_models_that_changed_nothing(child: Child) -> None:
    """Regression: the singular vectors of a zero are arbitrary, and would count as others do."""
    low = torch.outer(random(6), random(8, seed=1))
    assert near(child("tsv_m", low, torch.zeros(6, 8)), low)


def test_orthogonalised_columns() -> None:
    factor = orthogonalised(random(7, 3))
    assert near(factor.T @ factor, torch.eye(3))
    twice = torch.cat([random(7, 2), random(7, 2)], dim=1)
    projector = orthogonalised(twice).T @ orthogonalised(twice)
    assert near(projector @ projector, projector)


# WUDI


def loss(merged: Tensor, vectors: list[Tensor]) -> float:
    return sum(
        float(((merged - one) @ one.T).square().sum() / one.square().sum()) for one in vectors
    )


def test_wudi_of_one_model_is_that_model(child: Child) -> None:
    assert near(child("wudi", random(3, 5)), random(3, 5))


def test_wudi_adds_what_does_not_interfere(child: Child) -> None:
    one, two = torch.zeros(3, 4), torch.zeros(3, 4)
    one[:, :2], two[:, 2:] = random(3, 2), random(3, 2, seed=1)
    assert near(child("wudi", one, two), one + two)


def test_wudi_by_hand(child: Child) -> None:
    """Rows of one input: (t - 1)^2 + (t - 3)^2 has its least value at 2; the sum would be 4."""
    assert near(child("wudi", torch.tensor([[1.0]]), torch.tensor([[3.0]])), torch.tensor([[2.0]]))
    # G = 1 for each: t = (1 + 2 * 3) / 3.
    weighted = child("wudi", torch.tensor([[1.0]]), torch.tensor([[3.0]]), weights=(1.0, 2.0))
    assert near(weighted, torch.tensor([[7 / 3]]))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 9)])
def test_wudi_solves_the_normal_equations(child: Child, shape: tuple[int, int]) -> None:
    vectors = [random(*shape, seed=seed).double() for seed in range(3)]
    grams = [one.T @ one / one.square().sum() for one in vectors]
    whole = sum(grams, torch.zeros(shape[1], shape[1]).double())
    right = sum((v @ g for v, g in zip(vectors, grams, strict=True)), torch.zeros(shape).double())
    merged = child("wudi", *(one.float() for one in vectors))
    assert near(merged, right @ torch.linalg.pinv(whole))
    for seed in range(5):
        moved = merged.double() + 0.01 * random(*shape, seed=10 + seed)
        assert loss(merged.double(), vectors) <= loss(moved, vectors) + 1e-9


def test_wudi_does_not_amplify_rounding(child: Child) -> None:
    """Regression: task vectors of low rank that share a direction but for rounding."""
    shared = random(1, 64)
    one, two = (random(48, 1, seed=seed) @ shared for seed in (1, 2))
    rounded = two + 1e-7 * random(48, 64, seed=3)
    assert child("wudi", one, rounded).norm() <= one.norm() + two.norm()


# OPCM


def test_opcm_by_hand(child: Child) -> None:
    one, two = torch.tensor([[3.0, 0], [0, 1]]), torch.tensor([[1.0, 2], [3, 4]])
    expected = torch.tensor([[2.7022, 1.8015], [2.7022, 0.9007]])
    assert torch.allclose(child("opcm", one, two), expected, atol=1e-4)
    assert near(projected(two.double(), one.double(), 0.5), torch.tensor([[0, 2], [3, 0]]))


def test_opcm_has_the_mean_norm_of_the_models(apply: Apply) -> None:
    models = [
        {"a": random(4, 6, seed=n), "b": random(5, seed=10 + n), "embed": random(6, 4, seed=20 + n)}
        for n in range(4)
    ]
    zeros = {name: torch.zeros_like(tensor) for name, tensor in models[0].items()}
    child = apply("opcm", {"base": [zeros], "model": models})

    def norm(model: dict[str, Tensor]) -> float:
        return math.sqrt(sum(float(tensor.square().sum()) for tensor in model.values()))

    assert norm(child) == pytest.approx(sum(map(norm, models)) / 4, rel=1e-5)


def test_opcm_follows_the_recursion_of_the_paper(child: Child) -> None:
    """One matrix, rescaled after each model, rather than once at the end."""
    vectors = [random(5, 7, seed=seed).double() for seed in range(4)]
    merged, factor = vectors[0], 1.0
    for count, vector in enumerate(vectors[1:], 2):
        whole = merged * factor + projected(vector, merged, 0.5)
        factor = float(whole.norm()) / (sum(float(v.norm()) for v in vectors[:count]) / count)
        merged = whole / factor
    assert near(child("opcm", *(vector.float() for vector in vectors)), merged)


def test_opcm_protects_leading_directions() -> None:
    merged, vector = random(5, 8).double(), random(5, 8, seed=1).double()
    left, values, right = svd(merged)
    inner = left.T @ projected(vector, merged, 0.6) @ right.T
    kept = int((values.cumsum(0) <= 0.6 * values.sum()).sum())
    assert kept >= 1
    assert near(inner[:kept, :kept], torch.zeros(kept, kept))
    assert near(inner.diagonal(), torch.zeros(5))
    all_of_it = left.T @ projected(vector, merged, 1.0) @ right.T
    assert near(all_of_it, torch.zeros(5, 5))


def test_opcm_protects_no_directions_of_chance() -> None:
    """Regression: with nothing merged yet, the diagonal of the next model would be lost."""
    vector = random(3, 3).double()
    assert torch.equal(projected(vector, torch.zeros(3, 3).double(), 0.5), vector)


# DOGE


def test_doge_without_steps_scales_to_eta(child: Child) -> None:
    one, two = random(4, 5), random(4, 5, seed=1) * 100
    expected = 0.07 * one / one.norm() + 0.07 * two / two.norm()
    assert near(child("doge", one, two, steps=0, density=1.0), expected)
    relative = child("doge", one, two, steps=0, density=1.0, units="task_vectors")
    assert near(relative / relative.norm(), expected / expected.norm())
    assert relative.norm() == pytest.approx(
        float((one.norm() + two.norm()) / 2 * expected.norm()), rel=1e-5
    )


def doge_loss(delta: Tensor, vectors: list[Tensor], factors: list[float]) -> float:
    child = sum((f * (v + delta) for f, v in zip(factors, vectors, strict=True)), delta * 0)
    return sum(float((v * (v - child)).sum(dim=1).square().sum()) for v in vectors)


def test_doge_lowers_its_loss() -> None:
    vectors = [random(8, 6, seed=seed) for seed in range(3)]
    factors = [0.3, 0.2, 0.1]
    losses = [
        doge_loss(
            correction(vectors, factors, Doge(steps=steps, learning_rate=1e-3)), vectors, factors
        )
        for steps in range(0, 60, 5)
    ]
    assert all(after <= before for before, after in pairwise(losses))
    assert losses[-1] < 0.99 * losses[0]


def test_doge_protects_the_shared_directions() -> None:
    """Regression: Adam scales the elements of projected gradients, and so leaves the subspace."""
    vectors = [random(12, 14, seed=seed) for seed in range(2)]
    basis = shared_basis(vectors, 0.5)
    projector = basis @ basis.T
    assert basis.shape == (12, 6)
    assert near(projector @ projector, projector)
    exact, bent = (
        correction(vectors, [0.1, 0.1], Doge(steps=20, subspace=0.5, orthogonal=orthogonal))
        for orthogonal in (True, False)
    )
    assert (projector @ exact.double()).norm() < 1e-6 * exact.norm()
    assert (projector @ bent.double()).norm() > 1e-3 * bent.norm()


def test_doge_skips_models_that_changed_nothing(child: Child) -> None:
    """Regression: eta / 0."""
    vector = random(6, 6)
    assert not child("doge", torch.zeros(6, 6), torch.zeros(6, 6)).any()
    with_zero = child("doge", vector, torch.zeros(6, 6), steps=3)
    assert with_zero.isfinite().all()
    assert with_zero.any()


def test_doge_keeps_the_largest_of_the_whole_model(apply: Apply) -> None:
    model = {"big": random(4, 5) + 10, "small": random(4, 5, seed=1), "norm": random(10) * 0.01}
    zeros = {name: torch.zeros_like(tensor) for name, tensor in model.items()}
    roles = {"base": [zeros], "model": [model]}
    whole = apply("doge", roles, steps=0, density=0.5)
    counts = {name: int(tensor.count_nonzero()) for name, tensor in whole.items()}
    assert counts == {"big": 20, "small": 5, "norm": 0}
    single = apply("doge", roles, steps=0, density=0.5, scope="tensor")
    assert [int(tensor.count_nonzero()) for tensor in single.values()] == [10, 10, 5]


def test_adam_is_that_of_torch() -> None:
    target = random(3, 4)
    point = torch.zeros(3, 4, requires_grad=True)
    optimizer = torch.optim.Adam([point], lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        (point - target).pow(4).sum().backward()
        optimizer.step()
    ours = minimised(torch.zeros(3, 4), lambda x: 4 * (x - target).pow(3), 30, 0.05)
    assert torch.allclose(ours, point.detach(), atol=1e-5)


# What all share


@pytest.mark.parametrize("operator", ["iso_c", "tsv_m", "wudi"])
def test_vectors_and_embeddings_are_averaged_or_added(apply: Apply, operator: str) -> None:
    names = {"norm": (4,), "embed_tokens": (5, 4), "lm_head": (5, 4)}
    models = [{n: random(*s, seed=k) for n, s in names.items()} for k in range(2)]
    zeros = {name: torch.zeros(shape) for name, shape in names.items()}
    roles = {"base": [zeros], "model": models}
    sums = {name: models[0][name] + models[1][name] for name in names}
    mean = apply(operator, roles)
    assert all(torch.equal(mean[name], sums[name] * 0.5) for name in names)
    added = apply(operator, roles, vectors="sum", embeddings="sum")
    assert all(torch.equal(added[name], sums[name]) for name in names)
    matrix = apply(operator, roles, embeddings="matrix")
    assert torch.equal(matrix["norm"], sums["norm"] * 0.5)
    assert not near(matrix["lm_head"], sums["lm_head"] * 0.5)


@pytest.mark.parametrize("operator", ["iso_c", "tsv_m", "wudi"])
def test_means_by_weights_that_vanish_somewhere_are_refused(apply: Apply, operator: str) -> None:
    weights = ({"norm": 0.0, "other": 1.0}, 0.0)
    roles = {"base": [{"a": random(3, 2)}], "model": [{"a": random(3, 2, seed=1)}] * 2}
    apply(operator, roles, weights=weights)
    norms = {role: [{"norm": model["a"]} for model in models] for role, models in roles.items()}
    with pytest.raises(BreedError, match="norm"):
        apply(operator, norms, weights=weights)
    assert torch.equal(
        apply(operator, norms, weights=weights, vectors="sum")["norm"], norms["base"][0]["norm"]
    )


@pytest.mark.parametrize("operator", ["opcm", "doge"])
def test_opcm_and_doge_add_embeddings(apply: Apply, operator: str) -> None:
    models = [{"embed_tokens": random(5, 4, seed=seed)} for seed in range(2)]
    roles = {"base": [{"embed_tokens": torch.zeros(5, 4)}], "model": models}
    plain = {} if operator == "opcm" else {"density": 1.0}
    summed = apply(operator, roles, **plain)["embed_tokens"]
    whole = sum((m["embed_tokens"] / m["embed_tokens"].norm() for m in models), torch.zeros(5, 4))
    if operator == "opcm":
        whole = models[0]["embed_tokens"] + models[1]["embed_tokens"]
    assert near(summed / summed.norm(), whole / whole.norm())
    matrix = apply(operator, roles, embeddings="matrix", **plain)["embed_tokens"]
    assert not near(matrix / matrix.norm(), whole / whole.norm())


@pytest.mark.parametrize(
    ("operator", "parameters", "message"),
    [
        ("iso_c", {"weights": [1.0]}, "weights: 1 given for 2 models"),
        ("tsv_m", {"weights": [1.0, -1.0]}, "weights: sum to 0"),
        ("wudi", {"weights": [1.0, -1.0]}, "greater than or equal to 0"),
        ("tsv_m", {"rank": 0.0}, "input should be greater than 0"),
        ("doge", {"density": [0.1, 0.2]}, 'density: varies over the model; set scope = "tensor"'),
    ],
)
def test_wrong_parameters_are_refused(
    operator: str, parameters: dict[str, Any], message: str
) -> None:
    parents = (Parent("a", "base"), Parent("b", "model"), Parent("c", "model"))
    with pytest.raises(ConfigError, match=message):
        validate(Recipe(operator, parents, parameters, 0))
