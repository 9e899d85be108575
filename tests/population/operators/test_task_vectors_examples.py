"""Examples worked by hand, operator by operator."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.configs.operators.task_vectors import Lines, Sce, Widen
from speciate.errors import ConfigError
from speciate.population.operators.task_vectors import lines, widen
from speciate.population.operators.task_vectors.della_linear import probabilities
from speciate.population.structure import Place

Apply = Callable[..., dict[str, Tensor]]
Merged = Callable[..., Tensor]


def on_zero(*models: list[float]) -> dict[str, list[list[float]]]:
    return {"base": [[0.0] * len(models[0])], "model": list(models)}


TIES = on_zero([3, 0, 2, 0], [-2, -4, 0, 0], [1, 2, 0, 0])
PAIR = on_zero([2, 0, 1], [0, 3, 1])


@pytest.mark.parametrize(
    ("merge", "expected"), [("mean", [2, -4, 2, 0]), ("sum", [4, -4, 2, 0]), ("max", [3, -4, 2, 0])]
)
@pytest.mark.parametrize("operator", ["ties", "dare_ties"])
def test_what_is_made_of_what_agrees(
    merged: Merged, operator: str, merge: str, expected: list[float]
) -> None:
    assert merged(operator, TIES, density=1.0, merge=merge).tolist() == expected


def test_breadcrumbs_ties_elects_what_is_left(merged: Merged) -> None:
    options = {"gamma": 0.0, "density": 1.0}
    for merge in ("mean", "sum", "max"):
        expected = merged("ties", TIES, density=1.0, merge=merge)
        assert torch.equal(merged("breadcrumbs_ties", TIES, merge=merge, **options), expected)
    # The largest of each, 3, -4 and 2, is dropped: 2, -2 and 1 are the next ones.
    left = merged("breadcrumbs_ties", TIES, gamma=0.25, density=0.25)
    assert left.tolist() == [-2, 0, 2, 0]


def test_della_keeps_large_elements_more_often(merged: Merged) -> None:
    row = torch.tensor([[1.0, -2.0, 3.0, 4.0]])
    kept = probabilities(row, 0.5, 0.1)
    assert kept[0].tolist() == pytest.approx([0.4, 0.4667, 0.5333, 0.6], abs=1e-4)
    expected = [2.5, -4.2857, 5.625, 6.6667]
    for seed in range(5):
        roles = on_zero(row[0].tolist())
        child = merged("della_linear", roles, density=0.5, epsilon=0.1, seed=seed)
        for value, rescaled in zip(child.tolist(), expected, strict=True):
            assert value == pytest.approx(0) or value == pytest.approx(rescaled, abs=1e-4)


@pytest.mark.parametrize("operator", ["della_linear", "della"])
@pytest.mark.parametrize("epsilon", [0.0, 0.15])
def test_della_is_unbiased(apply: Apply, operator: str, epsilon: float) -> None:
    rows, columns, density = 4000, 10, 0.3
    vector = torch.arange(1.0, columns + 1).repeat(rows, 1)
    roles = {"base": [{"x": torch.zeros(rows, columns)}], "model": [{"x": vector}]}
    child = apply(operator, roles, density=density, epsilon=epsilon)["x"]
    kept = probabilities(vector, density, epsilon)[0]
    assert float(kept.mean()) == pytest.approx(density)
    four_sigma = 4 * ((1 - kept) / kept / rows).sqrt()
    assert ((child / vector).mean(dim=0) - 1).abs().lt(four_sigma).all()
    assert abs(child.count_nonzero() / child.numel() - density) < 4 * math.sqrt(
        density / child.numel()
    )


@pytest.mark.parametrize("scope", ["row", "tensor"])
def test_breadcrumbs_drops_both_ends(merged: Merged, scope: str) -> None:
    row = [float(n) for n in range(1, 11)]
    child = merged("breadcrumbs", on_zero(row), gamma=0.1, density=0.3, scope=scope)
    assert child.tolist() == [0, 0, 0, 0, 0, 0, 7, 8, 9, 0]


@pytest.mark.parametrize("scope", ["row", "tensor"])
def test_breadcrumbs_keeps_exact_counts_of_equal_elements(merged: Merged, scope: str) -> None:
    options = {"gamma": 0.2, "density": 0.35, "scope": scope}
    child = merged("breadcrumbs", on_zero([1.0] * 10), **options)
    assert child.tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


def test_breadcrumbs_that_drop_nothing_large_are_a_trim(merged: Merged) -> None:
    roles = on_zero([5.0, -1, 3, 2, -4, 0.5])
    for scope in ("row", "tensor"):
        crumbs = merged("breadcrumbs", roles, gamma=0.0, density=0.5, scope=scope)
        assert torch.equal(crumbs, merged("ties", roles, density=0.5, scope=scope))


def test_magmax(merged: Merged) -> None:
    assert merged("magmax", on_zero([3, -1, 0.5], [-2, -4, -0.5])).tolist() == [3, -4, -0.5]
    weighted = merged("magmax", on_zero([3, -1], [-2, -4]), weights=(1, 2), scale=0.5)
    assert weighted.tolist() == [-2, -4]


def test_sce(merged: Merged) -> None:
    roles = on_zero([1, 4], [3, -2])
    selected = merged("sce", roles, select_topk=0.5)
    assert selected.tolist() == [0, 4]
    everything = merged("sce", roles, select_topk=0.5, merge="all")
    assert everything.tolist() == pytest.approx([1.4, 4])


def test_sce_selects_among_the_elements_that_vary(merged: Merged) -> None:
    roles = on_zero([1, 2, 5, 5], [2, 4, 5, 5])
    # Two of four vary: half of them is one element, not two.
    assert merged("sce", roles, select_topk=0.5).tolist() == pytest.approx([0, 3.6, 0, 0])
    assert merged("sce", on_zero([1, 2]), select_topk=0.5).tolist() == [0, 0]
    assert merged("sce", on_zero([1, 2])).tolist() == [1, 2]
    assert Sce().select_topk == 1


def test_pcb_of_equal_models_is_the_clamped_model(merged: Merged) -> None:
    values = [float(n) * (-1) ** n for n in range(1, 101)]
    expected = [math.copysign(min(abs(x), 90), x) if abs(x) > 51 else 0.0 for x in values]
    for support in ("raw", "normalized"):
        child = merged("pcb", on_zero(values, values), ratio=0.5, clamp=0.1, support=support)
        assert child.tolist() == pytest.approx(expected)


def test_pcb_by_the_authors_formula(merged: Merged) -> None:
    """The code form, written out in float64 for a small model."""
    one, two = [1.0, 2, 0, -4, 3, 0.5], [1.0, -1, 3, -2, 0, 1.5]
    vectors = torch.tensor([one, two], dtype=torch.float64)
    # No clamp but that the authors' upper index stops one short of nothing: the maximum.
    sizes = vectors.abs()
    relative = (sizes - sizes.amin(1, True)) / (sizes.amax(1, True) - sizes.amin(1, True))
    inter = (vectors * vectors.sum(0)).tanh()
    assert inter[:, 0].tolist() == pytest.approx([math.tanh(2)] * 2)
    balance = (2 * relative**2).exp() * inter
    floor = balance.sort(dim=1).values[:, 3:4]  # int(6 * 0.5)
    raised = balance.maximum(floor)
    shares = (raised - floor) / (raised.amax(1, True) - floor)
    expected = (vectors * shares).sum(0) / shares.sum(0).clamp_min(1e-12)
    child = merged("pcb", on_zero(one, two), ratio=0.5, clamp=0, support="raw")
    assert child.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_pcb_of_one_magnitude_keeps_it(merged: Merged) -> None:
    """Regression: scaling to 0 .. 1 would divide by 0."""
    values = [1.0, -1.0, 1.0, -1.0]
    assert merged("pcb", on_zero(values, values), ratio=0.5).tolist() == values


def test_pcb_scopes(apply: Apply) -> None:
    base = {"a": torch.zeros(50), "b": torch.zeros(50)}
    model = {"a": torch.arange(1.0, 51), "b": torch.arange(1.0, 51) * 1000}
    roles = {"base": [base], "model": [model, model]}
    whole = apply("pcb", roles, ratio=0.5)
    assert whole["a"].count_nonzero() == 0
    assert apply("pcb", roles, ratio=0.5, scope="tensor")["a"].count_nonzero() > 20


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [0, 0, 2]),
        ({"votes": 1}, [2, 3, 2]),
        ({"votes": 0}, [2, 3, 2]),
        ({"votes": 0, "scale": 0.5}, [1, 1.5, 1]),
        ({"threshold": 1.5}, [0, 0, 0]),
        ({"threshold": {"models": (0.4, 1.5)}, "votes": 1}, [2, 3, 2]),
    ],
)
def test_consensus(merged: Merged, parameters: dict[str, Any], expected: list[float]) -> None:
    assert merged("consensus", PAIR, **parameters).tolist() == expected


def test_tall_masks_of_disjoint_tasks_restore_each(merged: Merged) -> None:
    assert merged("tall_mask", PAIR, task=0).tolist() == [2, 0, 2]
    assert merged("tall_mask", PAIR, task=1).tolist() == [0, 3, 2]
    disjoint = on_zero([2, 0, 0], [0, 3, 1])
    for task, model in enumerate(disjoint["model"]):
        assert merged("tall_mask", disjoint, task=task, threshold=0.0).tolist() == model


BLOCKS = ("embed.weight", *(f"layers.{n}.mlp.weight" for n in range(3)), "norm.weight")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"alpha": 0.2, "beta": 0.8}, [0.2, 0.2, 0.6, 1.0, 0.2]),
        ({"alpha": 0.2, "beta": 0.8, "before": 0.0, "after": 1.0}, [0, 0.2, 0.6, 1.0, 1.0]),
        ({"alpha": 0.7, "beta": 0}, [0.7] * 5),
        ({}, [0.5, 0.5, 0.75, 1.0, 0.5]),
    ],
)
def test_lines(apply: Apply, parameters: dict[str, float], expected: list[float]) -> None:
    base = {name: torch.zeros(1) for name in BLOCKS}
    ours, theirs = ({name: torch.full((1,), x) for name in BLOCKS} for x in (4.0, -3.0))
    child = apply("lines", {"base": [base], "model": [ours, theirs]}, **parameters)
    assert [float(child[name]) for name in BLOCKS] == pytest.approx(expected)


def test_lines_of_one_block_is_alpha() -> None:
    """Regression: l / (L - 1) would divide by 0."""
    place = Place("layers.0.mlp.weight", "mlp", 0, 1)
    assert lines.scale_at(Lines(alpha=0.2, beta=0.8), place, 2) == 0.2


def test_compeft(merged: Merged) -> None:
    child = merged("compeft", on_zero([1, -2, 3, -4]), density=0.5, scale=2.0)
    assert child.tolist() == pytest.approx([0, 0, 6.2183, -6.2183], abs=1e-4)
    two = merged("compeft", on_zero([1, -2, 3, -4], [0, 0, 0, 8]), density=0.5, weights=(1, -1))
    assert two.tolist() == pytest.approx([0, 0, 3.1091, -3.1091 - 4], abs=1e-4)


def test_emr(merged: Merged) -> None:
    roles = on_zero([1, -2, 3, -4], [2, 2, -1, -3])
    assert merged("emr", roles).tolist() == [2, 0, 3, -4]
    # Sums of magnitudes: 10 of the task, 9 of its part of the unified vector.
    first = merged("emr", roles, task=0)
    assert first.tolist() == pytest.approx([2 * 10 / 9, 0, 30 / 9, -40 / 9])
    second = merged("emr", roles, task=1)
    assert second.tolist() == pytest.approx([2 * 8 / 6, 0, 0, -4 * 8 / 6])


def test_emr_of_one_model_is_the_model(merged: Merged) -> None:
    values = [0.1, -2.7, 3.3, 0]
    roles = {"base": [[1.0] * 4], "model": [[x + 1 for x in values]]}
    for task in (None, 0):
        assert torch.equal(merged("emr", roles, task=task), torch.tensor(roles["model"][0]))


def test_emr_task_that_nowhere_agrees_is_the_base(merged: Merged) -> None:
    """Regression: its rescale would be 0 / 0."""
    assert merged("emr", on_zero([1, 1], [-2, -3]), task=0).tolist() == [0, 0]


def test_widen_scores() -> None:
    significance = torch.tensor([[0.0, 0.5], [0.5, 0.0]], dtype=torch.float64)
    scores = widen._scores(significance, Widen())
    expected = [pytest.approx([0.3775, 1], abs=1e-4), pytest.approx([1, 0.3775], abs=1e-4)]
    assert scores.tolist() == expected


def test_widen_by_column_and_by_token(apply: Apply) -> None:
    base = torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    # Column 0 grows, column 1 turns, column 2 stays; the other model only changes column 2.
    ours = torch.tensor([[3.0, 1, 1], [0, 0, 1]])
    theirs = torch.tensor([[1.0, 0, 5], [0, 1, 1]])

    def child(name: str, turned: bool) -> Tensor:
        models = [{name: (x.T if turned else x).contiguous()} for x in (base, ours, theirs)]
        result = apply("widen", {"base": models[:1], "model": models[1:]})[name]
        return result.T if turned else result

    by_column = child("proj.weight", turned=False)
    assert torch.equal(child("embed.weight", turned=True), by_column)
    assert not torch.equal(child("embed.weight", turned=False), by_column)

    def score(own: int, other: int) -> float:
        """From two ranks of three, 0 to 2; the mean rank is 1."""
        return 1.0 if own > 1 else 1 / (1 + math.exp((other - own) / 3))

    # Lengths: ours changed by 2, 0, 0, so ranks 2, 0, 1; directions by 0, 1, 0: ranks 0, 2, 1.
    # Theirs changed column 2 alone: ranks 0, 1, 2 of both.
    first = 0.5 * (score(2, 0) + score(0, 0))
    second = 0.5 * (score(0, 1) + score(2, 1))
    third = 0.5 * (score(2, 1) + score(2, 1))
    expected = [[1 + 2 * first, second, 1 + 4 * third], [0, 1 - second, 1]]
    assert torch.allclose(by_column, torch.tensor(expected))


def test_widen_of_one_model_is_the_model(apply: Apply) -> None:
    base, model = (
        {"proj": wide, "embed": wide * 2, "norm": wide[0]}
        for wide in (torch.arange(12.0).view(3, 4), torch.arange(12.0).view(3, 4).flip(1))
    )
    child = apply("widen", {"base": [base], "model": [model]})
    assert all(torch.equal(child[name], model[name]) for name in model)


@pytest.mark.parametrize(
    ("operator", "parameters", "message"),
    [
        ("della", {"density": 0.9, "epsilon": 0.1}, "epsilon: density - epsilon = 0.8"),
        ("della_linear", {"density": 0.1, "epsilon": 0.1}, "must lie between 0 and 1"),
        ("della", {"density": {"models": (0.5,)}}, "density: 1 given for 2 models"),
        ("breadcrumbs", {"density": 0.9, "gamma": 0.2}, "gamma: 0.2 and density 0.9 exceed 1"),
        ("breadcrumbs_ties", {"weights": (1,)}, "weights: 1 given for 2 models"),
        ("magmax", {"weights": (1,)}, "weights: 1 given for 2 models"),
        ("lines", {"weights": (1,)}, "weights: 1 given for 2 models"),
        ("pcb", {"weights": (1,)}, "weights: 1 given for 2 models"),
        ("compeft", {"density": {"models": (0.5,)}}, "density: 1 given for 2 models"),
        ("consensus", {"votes": 3}, "votes: 3 of 2 models"),
        ("consensus", {"threshold": {"models": (0.5,)}}, "threshold: 1 given for 2 models"),
        ("tall_mask", {"task": 2}, "task: 2 is none of the 2 models"),
        ("emr", {"task": 2}, "task: 2 is none of the 2 models"),
    ],
)
def test_parameters_that_do_not_fit(
    merged: Merged, operator: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        merged(operator, on_zero([1, 2], [3, 4]), **parameters)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
