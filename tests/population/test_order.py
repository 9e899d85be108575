"""U3 to the last bit: where the order of the models says nothing, no byte depends on it."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from speciate.population.breed import breed, carry_out
from speciate.population.operators.operator import Operator
from speciate.population.operators.registry import OPERATORS
from speciate.population.plan import make_plan
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

Folder = Callable[..., Path]
SYMMETRIC = [n for n, o in OPERATORS.items() if isinstance(o, Operator) and o.symmetric]
ORDERS = list(itertools.permutations(range(3)))
DENSITIES = (0.3, 0.5, 0.8)


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def weights(seed: int) -> dict[str, Tensor]:
    return {"layers.0.x": normal(seed, 24, 18), "layers.1.x": normal(seed + 50, 24, 18)}


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Four models, and what was measured of three of them."""
    root = tmp_path_factory.mktemp("parents")
    paths = {}
    for n in range(4):
        path = paths[f"m{n}"] = root / f"m{n}"
        path.mkdir()
        (path / "config.json").write_text("{}")
        save_file(weights(n), path / "model.safetensors")
        paths[f"s{n}"] = root / f"s{n}.safetensors"
        found = {}
        for name in weights(0):
            inputs, outputs = normal(n + 70, 30, 18), normal(n + 80, 30, 24)
            found |= {f"{name}.fisher": normal(n, 24, 18).square()}
            found |= {f"{name}.exp_avg_sq": normal(n + 9, 24, 18).square()}
            found |= {f"{name}.rcp_votes": normal(n, 24, 18).sign().short()}
            found |= {f"{name}.gram": inputs.T @ inputs, f"{name}.gram_out": outputs.T @ outputs}
        save_file(found, paths[f"s{n}"])
    return paths


def recipe(operator: str, order: tuple[int, ...]) -> Recipe:
    """A merge with weights and densities that follow the models."""
    chosen = OPERATORS[operator]
    models = [Parent(f"m{index + 1}", "model") for index in order]
    files = [Parent(f"s{index + 1}", "statistics") for index in order]
    base = [Parent("m0", "base")] if "base" in chosen.roles else []
    measured = files if chosen.statistics else []
    parameters: dict[str, Any] = {}
    if "weights" in chosen.parameters.model_fields:
        parameters["weights"] = [(0.2, 0.3, 0.5)[index] for index in order]
    if operator.startswith(("ties", "dare", "della")):
        parameters["density"] = {"models": [DENSITIES[index] for index in order]}
    return Recipe(operator, (*base, *models, *measured), parameters, 7)


@pytest.mark.parametrize("operator", SYMMETRIC)
def test_no_byte_depends_on_the_order_of_models(
    operator: str, parents: Mapping[str, Path], tmp_path: Path
) -> None:
    found = {breed(recipe(operator, order), parents, tmp_path / str(order)) for order in ORDERS}
    assert len(found) == 1


@pytest.mark.forks
@pytest.mark.parametrize("operator", SYMMETRIC)
def test_nor_on_jobs_be_they_threads_or_processes(
    operator: str, parents: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speciate.population.breed.WORTH_FORKING", 1)
    plan = make_plan(recipe(operator, (0, 1, 2)), parents)
    found = {
        carry_out(plan, tmp_path / f"{jobs} {fork}", jobs=jobs, fork=fork)
        for jobs, fork in ((1, False), (3, False), (2, True))
    }
    assert len(found) == 1


def test_only_those_that_say_so() -> None:
    """The others are named here, so that a new one is decided on."""
    ordered = {n for n, o in OPERATORS.items() if isinstance(o, Operator) and "model" in o.roles}
    assert ordered - set(SYMMETRIC) == {
        *("slerp", "nuslerp", "nearswap", "arcee_fusion", "ema", "wma", "magmax"),
        *(
            "opcm",
            "tall_mask",
            "emr",
            "rebasin",
            "layer_choice",
            "split_point",
            "passthrough",
            "evolved",
        ),
    }


def test_equal_models_with_other_weights_are_told_apart(
    parents: Mapping[str, Path], tmp_path: Path
) -> None:
    found = set()
    for number, order in enumerate([(0, 1), (1, 0)]):
        parameters = {"density": {"models": [(0.2, 0.8)[index] for index in order]}}
        models = (Parent("m0", "base"), Parent("m1", "model"), Parent("m1", "model"))
        twice = Recipe("dare_ties", models, parameters, 0)
        found.add(breed(twice, parents, tmp_path / str(number)))
    assert len(found) == 1


def test_models_that_are_alike_at_first_sight(folder: Folder, tmp_path: Path) -> None:
    """They differ in elements that are looked at only where the first ones are equal."""
    tensors = []
    for n in range(3):
        tensors.append(normal(0, 40, 40))
        tensors[-1][20:] = normal(n + 1, 20, 40)
    paths = {f"p{n}": folder(f"p{n}", {"x": tensor}) for n, tensor in enumerate(tensors)}
    found = {
        breed(
            Recipe("linear", tuple(Parent(f"p{n}", "model") for n in order), {}, 0),
            paths,
            tmp_path / str(order),
        )
        for order in ORDERS
    }
    assert len(found) == 1


def test_what_is_not_merged_is_still_the_first_parents(folder: Folder, tmp_path: Path) -> None:
    paths = {
        f"p{n}": folder(f"p{n}", {"x": normal(n, 8), "steps": torch.tensor([n])}) for n in range(3)
    }
    for order in ORDERS:
        models = tuple(Parent(f"p{n}", "model") for n in order)
        breed(Recipe("linear", models, {}, 0), paths, tmp_path / str(order))
        assert Checkpoint(tmp_path / str(order)).tensor("steps").item() == order[0]


def test_of_equal_magnitudes_magmax_takes_the_later_model(folder: Folder, tmp_path: Path) -> None:
    """The hand example of its authors' code, whose order of models counts."""
    values = {"b": [0.0, 0, 0], "m1": [3.0, -1, 0.5], "m2": [-2.0, -4, -0.5]}
    paths = {name: folder(name, {"x": torch.tensor(value)}) for name, value in values.items()}
    for names, last in ((("m1", "m2"), -0.5), (("m2", "m1"), 0.5)):
        parents = (Parent("b", "base"), *(Parent(name, "model") for name in names))
        breed(Recipe("magmax", parents, {"scale": 1.0}, 0), paths, tmp_path / f"after {names[0]}")
        assert Checkpoint(tmp_path / f"after {names[0]}").tensor("x").tolist() == [3, -4, last]
