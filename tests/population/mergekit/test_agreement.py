"""Configs give what mergekit itself makes of them, or differ as documented."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from speciate.errors import ConfigError
from speciate.population.mergekit import read_mergekit

Weights = dict[str, Tensor]
Theirs = Callable[[str], Weights | str]
Ours = Callable[[str], Weights]


def pairs(name: str, theirs: Theirs, ours: Ours) -> dict[str, tuple[Tensor, Tensor]]:
    """Our tensor and theirs, by name; of the same shapes and types."""
    expected, made = theirs(name), ours(name)
    assert isinstance(expected, dict), expected
    assert made.keys() == expected.keys()
    for key, tensor in expected.items():
        assert (made[key].shape, made[key].dtype) == (tensor.shape, tensor.dtype), key
    return {key: (made[key], tensor) for key, tensor in sorted(expected.items())}


@pytest.fixture
def changes(theirs: Theirs, ours: Ours, workplace: Path) -> Callable[[str], tuple[Tensor, Tensor]]:
    """How far our child and theirs are from the base, all elements in one row."""
    base = load_file(workplace / "base" / "model.safetensors")

    def of(name: str) -> tuple[Tensor, Tensor]:
        both = pairs(name, theirs, ours)
        made, expected = (
            torch.cat([(both[key][n] - base[key]).flatten() for key in both]) for n in (0, 1)
        )
        return made, expected

    return of


@pytest.fixture
def task_vector(workplace: Path) -> Callable[[str], Tensor]:
    """How far a model is from the base, all elements in one row."""
    base = load_file(workplace / "base" / "model.safetensors")

    def of(model: str) -> Tensor:
        tensors = load_file(workplace / model / "model.safetensors")
        return torch.cat([(tensors[key] - base[key]).flatten() for key in sorted(base)])

    return of


def test_exactly(exact: str, theirs: Theirs, ours: Ours) -> None:
    for key, (made, expected) in pairs(exact, theirs, ours).items():
        torch.testing.assert_close(made, expected, rtol=1e-5, atol=2e-7, msg=lambda m, k=key: k + m)


def test_to_one_unit_in_the_last_place(rounded: str, theirs: Theirs, ours: Ours) -> None:
    for key, (made, expected) in pairs(rounded, theirs, ours).items():
        assert made.element_size() == 2
        assert torch.equal(made.sign(), expected.sign()), key
        apart = made.view(torch.int16).int() - expected.view(torch.int16).int()
        assert int(apart.abs().max()) <= 1, key


def test_in_distribution(
    drawn: str,
    changes: Callable[[str], tuple[Tensor, Tensor]],
    task_vector: Callable[[str], Tensor],
) -> None:
    made, expected = changes(drawn)
    whole = task_vector("a")
    large = whole.abs() > whole.abs().median()
    for part in (large, ~large):
        kept = [float((one[part] != 0).float().mean()) for one in (made, expected)]
        assert kept[0] == pytest.approx(kept[1], abs=0.01)
    assert float((made != 0).float().mean()) == pytest.approx(0.4, abs=0.01)
    norms = [float(one.abs().sum()) for one in (made, expected)]
    assert norms[0] == pytest.approx(norms[1], rel=0.01 if "unscaled" in drawn else 1e-4)


def test_arcee_fusion_takes_almost_the_same(
    changes: Callable[[str], tuple[Tensor, Tensor]],
    task_vector: Callable[[str], Tensor],
) -> None:
    made, expected = changes("arcee_fusion")
    assert float((made == expected).float().mean()) > 0.98
    assert set(((made == 0) | (made == task_vector("a"))).tolist()) == {True}


def test_negative_weights_take_tasks_away(
    changes: Callable[[str], tuple[Tensor, Tensor]],
) -> None:
    made, expected = changes("ties_negative")
    torch.testing.assert_close(made, -expected, rtol=0, atol=1e-7)


def test_short_task_vectors_agree_as_long_ones_do(
    changes: Callable[[str], tuple[Tensor, Tensor]],
) -> None:
    made, expected = changes("model_stock_near")
    assert float(made.norm()) > 5 * float(expected.norm())


def test_opposed_models_keep_the_base(changes: Callable[[str], tuple[Tensor, Tensor]]) -> None:
    made, expected = changes("model_stock_opposed")
    assert not made.any()
    assert expected.any()


def test_small_energies_weigh_models_too(
    changes: Callable[[str], tuple[Tensor, Tensor]], task_vector: Callable[[str], Tensor]
) -> None:
    made, expected = changes("sce_near")
    first, second = task_vector("near_a"), task_vector("near_b")
    both = first.sign() * second.sign() > 0
    halfway = ((first + second) / 2)[both]
    torch.testing.assert_close(expected[both], halfway, rtol=0, atol=1e-7)
    apart = (second - made)[both].norm() / (first - made)[both].norm()
    assert float(apart) < 0.5


def test_the_head_is_made_from_all_sources_of_the_last_slice(
    theirs: Theirs, ours: Ours, workplace: Path
) -> None:
    second, third = (load_file(workplace / name / "model.safetensors") for name in "bc")
    for key, (made, expected) in pairs("uneven_slices", theirs, ours).items():
        if key in ("lm_head.weight", "model.norm.weight"):
            torch.testing.assert_close(made, (second[key] + third[key]) / 2)
            torch.testing.assert_close(expected, second[key])
        else:
            torch.testing.assert_close(made, expected)


def test_what_mergekit_refuses(
    refused: str, theirs: Theirs, configs: Callable[[str], Path]
) -> None:
    assert isinstance(theirs(refused), str)
    with pytest.raises(ConfigError, match=r"^[^\n]+\.yml: [^\n]+$"):
        read_mergekit(configs(refused))


def test_where_we_differ_is_noted(documented: str, configs: Callable[[str], Path]) -> None:
    assert read_mergekit(configs(documented)).notes


def test_agreement_needs_no_note(exact: str, configs: Callable[[str], Path]) -> None:
    """But for methods that differ where inputs are unusual, and what is ignored there as well."""
    careful = ("nuslerp", "multislerp", "karcher", "model_stock", "sce", "ramplus_tl", "dare")
    notes = read_mergekit(configs(exact)).notes
    usual = [one for one in notes if not one.startswith((*careful, "della", "tokenizer"))]
    assert all("has no effect" in one or "lowered" in one for one in usual), usual
