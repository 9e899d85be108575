"""The child as a stream is the child as a folder, and takes no folder's worth of memory."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import BreedError, ModelError, SpeciateError, UsageError
from speciate.population.breed import breed, carry_out
from speciate.population.offspring import Offspring
from speciate.population.operators.registry import OPERATORS
from speciate.population.plan import make_plan
from speciate.population.safetensors_writer import Spec, Writer
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("model model model", {"weights": [0.2, 0.3, 0.5]}),
    "slerp": ("model model", {"t": 0.3}),
    "ties": ("base model model", {"density": 0.4}),
    "ties of the model": ("base model model", {"density": 0.4, "scope": "model"}),
    "dare_ties": ("base model model", {"density": 0.5}),
    "iso_c": ("base model model", {}),
    "gaussian": ("parent", {"sigma": 0.1, "density": 0.5}),
}


def recipe(named: str, **changed: Any) -> Recipe:
    roles, parameters = RECIPES[named]
    parents = tuple(Parent(f"p{n % 3}", role) for n, role in enumerate(roles.split()))
    return Recipe(named.split(" ")[0], parents, parameters | changed, 5)


@pytest.fixture
def models(folder: Folder, random_weights: Random) -> dict[str, Path]:
    empty = {"empty": torch.zeros(0, 4), "none": torch.zeros(0, dtype=torch.int64)}
    return {f"p{n}": folder(f"p{n}", random_weights(n) | empty) for n in range(3)}


@pytest.fixture
def large(folder: Folder) -> dict[str, Path]:
    """Each tensor has many loci, and one is fused of three matrices."""
    made = {}
    for n in range(3):
        generator = torch.Generator().manual_seed(n)
        shapes = {"model.layers.0.self_attn.qkv_proj.weight": (1536, 512), "b": (700, 1000)}
        weights = {name: torch.randn(at, generator=generator) for name, at in shapes.items()}
        config = {"num_attention_heads": 4, "num_key_value_heads": 4, "hidden_size": 512}
        made[f"p{n}"] = folder(f"p{n}", weights, **config)
    return made


def check_same(child: Offspring, written: Path, digest: str) -> None:
    """Name by name, type by type, bit by bit; each tensor once."""
    expected, names = Checkpoint(written), []
    for name, tensor in child:
        names.append(name)
        assert tensor.dtype == expected.dtype(name)
        assert tensor.shape == expected.shape(name)
        assert torch.equal(tensor, expected.tensor(name))
    assert sorted(names) == sorted(expected.names)
    assert child.digest == digest == expected.digest()


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
@pytest.mark.parametrize("named", RECIPES)
def test_it_is_the_child_that_is_written(
    named: str, dtype: str | None, jobs: int, models: dict[str, Path], tmp_path: Path
) -> None:
    digest = breed(recipe(named), models, tmp_path / "out", dtype)
    child = Offspring(make_plan(recipe(named), models, dtype), jobs=jobs)
    check_same(child, tmp_path / "out", digest)
    check_same(child, tmp_path / "out", digest)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("named", RECIPES)
def test_tensors_are_assembled_from_their_loci(
    named: str, jobs: int, large: dict[str, Path], tmp_path: Path
) -> None:
    digest = breed(recipe(named), large, tmp_path / "out")
    check_same(Offspring(make_plan(recipe(named), large), jobs=jobs), tmp_path / "out", digest)


def test_several_segments_follow_each_other(models: dict[str, Path], tmp_path: Path) -> None:
    plan = make_plan(recipe("ties"), models)
    (segment,), half = plan.segments, len(plan.segments[0].names) // 2
    parts = segment.names[half:], segment.names[:half]
    plan = replace(plan, segments=tuple(replace(segment, names=names) for names in parts))
    digest = carry_out(plan, tmp_path / "out")
    check_same(Offspring(plan), tmp_path / "out", digest)


def test_a_folder_is_written_at_the_same_time(models: dict[str, Path], tmp_path: Path) -> None:
    digest = breed(recipe("dare_ties"), models, tmp_path / "out")
    child = Offspring(make_plan(recipe("dare_ties"), models), tmp_path / "too", shard_bytes=80)
    for _ in child:
        assert not (tmp_path / "too").exists()
    assert Checkpoint(tmp_path / "too").digest() == child.digest == digest
    assert len(list((tmp_path / "too").glob("*.safetensors"))) > 1
    with pytest.raises(UsageError, match="exists already"):
        list(child)


def test_a_stream_that_is_left_leaves_nothing(models: dict[str, Path], tmp_path: Path) -> None:
    before, threads = sorted(tmp_path.iterdir()), torch.get_num_threads()
    child = Offspring(make_plan(recipe("ties"), models), tmp_path / "out")
    stream = iter(child)
    next(stream)
    with pytest.raises(ValueError, match="when all tensors have been taken"):
        _ = child.digest
    stream.close()  # type: ignore[attr-defined]
    assert sorted(tmp_path.iterdir()) == before
    assert torch.get_num_threads() == threads


def said(what: Callable[[], object]) -> tuple[type[SpeciateError], str]:
    with pytest.raises(SpeciateError) as caught:
        what()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("operator", ["linear", "ties", "dare_ties", "karcher"])
def test_a_parent_that_is_not_finite_is_named(
    operator: str, models: dict[str, Path], folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    weights = random_weights(1) | {
        name: Checkpoint(models["p0"]).tensor(name) for name in ("empty", "none")
    }
    weights["proj"][1] = torch.nan
    models["p1"] = folder("bad", weights)
    roles = ["base", "model", "model"] if "base" in OPERATORS[operator].roles else ["model"] * 2
    chosen = Recipe(operator, tuple(Parent(f"p{n}", r) for n, r in enumerate(roles)), {}, 0)
    error = said(lambda: list(Offspring(make_plan(chosen, models))))
    assert error == said(lambda: breed(chosen, models, tmp_path / "out"))
    assert error[0] is ModelError
    assert "bad: tensor proj has NaN" in error[1]


def test_a_child_that_overflows_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    parents = (Parent("p0", "base"), Parent("p1", "model"))
    chosen = Recipe("task_arithmetic", parents, {"scale": 1e39}, 0)
    error = said(lambda: list(Offspring(make_plan(chosen, models))))
    assert error == said(lambda: breed(chosen, models, tmp_path / "out"))
    assert error[0] is BreedError


PEAK = """
import resource, sys
from pathlib import Path
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

recipe = Recipe("linear", (Parent("one", "model"), Parent("two", "model")), {}, 0)
for _ in Offspring(make_plan(recipe, dict.fromkeys(("one", "two"), Path(sys.argv[1]))), jobs=2):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def sparse(path: Path, mebibytes: int) -> Path:
    """A model of zeros that take no room on the disk, in tensors of 4 MiB."""
    path.mkdir()
    (path / "config.json").write_text("{}")
    specs = [Spec(f"x{n:04}", torch.float32, (1 << 20,)) for n in range(mebibytes // 4)]
    with Writer(path, specs, 1 << 40):
        pass
    file = path / "model.safetensors"
    os.truncate(file, file.stat().st_size + (mebibytes << 20))
    return path


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    peaks = []
    for mebibytes in (64, 512):
        parent = sparse(tmp_path / str(mebibytes), mebibytes)
        command = [sys.executable, "-c", PEAK, str(parent)]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < 128, peaks
