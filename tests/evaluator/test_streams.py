"""Models bred straight into the engines: as if they had been written and loaded, or not at all."""

import gc
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from speciate.errors import BreedError, EvaluationError, ModelError
from speciate.evaluator import Engine
from speciate.evaluator.parts import in_parts
from speciate.population.breed import breed
from speciate.population.breeding_process import BreedingProcess
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

PARENTS = (Parent("base", "base"), Parent("library", "model"), Parent("tests", "model"))
RECIPES = {
    "linear": Recipe("linear", PARENTS[1:], {"weights": [0.3, 0.7]}, 1),
    "ties": Recipe("ties", PARENTS, {"density": 0.5}, 1),
    "dare_ties": Recipe("dare_ties", PARENTS, {"density": 0.5}, 1),
    "gaussian": Recipe("gaussian", (Parent("english", "parent"),), {"sigma": 0.02}, 1),
}
PROMPTS = [
    [(7 * n * n + 13 * n + k) % 256 for n in range(length)] for k, length in ((0, 40), (5, 9))
]
SPLIT = Path(__file__).with_name("split_engine.py")


@pytest.fixture(params=["vllm", "transformers"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def models(zoo: Path) -> dict[str, Path]:
    return {path.name: path for path in (zoo / "models").iterdir() if path.is_dir()}


def same(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("operator", RECIPES)
def test_scores_are_those_of_the_written_child(
    operator: str, engine: Engine, models: dict[str, Path], tmp_path: Path
) -> None:
    digest = breed(RECIPES[operator], models, tmp_path / "out")
    engine.load(tmp_path / "out")
    written = engine.logprobs(PROMPTS)
    engine.load(models["unicode"])
    assert not same(engine.logprobs(PROMPTS), written)
    child = Offspring(make_plan(RECIPES[operator], models))
    engine.load_tensors(child)
    assert same(engine.logprobs(PROMPTS), written)
    assert child.digest == digest


@pytest.fixture(scope="module")
def process() -> Iterator[BreedingProcess]:
    with closing(BreedingProcess(least=0, jobs=2)) as started:
        yield started


def test_a_process_beside_the_engine_breeds_the_same(
    process: BreedingProcess, engine: Engine, models: dict[str, Path]
) -> None:
    plan = make_plan(RECIPES["ties"], models)
    engine.load_tensors(Offspring(plan))
    expected = engine.logprobs(PROMPTS)
    engine.load(models["unicode"])
    threads = torch.get_num_threads()
    child = Offspring(plan, process=process)
    with pytest.raises(ValueError, match="of its own"):
        engine.load_tensors(broken(child, 5, ValueError("of its own")))
    assert torch.get_num_threads() == threads
    engine.load_tensors(child)
    assert same(engine.logprobs(PROMPTS), expected)
    gc.collect()
    assert "memfd:speciate" not in Path("/proc/self/maps").read_text()


def broken(tensors: Offspring, after: int, error: Exception) -> Iterator[tuple[str, Tensor]]:
    for number, pair in enumerate(tensors):
        if number == after:
            raise error
        yield pair


@pytest.mark.parametrize("after", [0, 1, 5, 14, 20])
@pytest.mark.parametrize("error", [BreedError("of the recipe"), ValueError("of its own")])
def test_what_the_stream_raises_is_passed_on_and_the_next_model_is_whole(
    error: Exception, after: int, engine: Engine, models: dict[str, Path]
) -> None:
    """Regression: vLLM counted the tensors of the broken model among those of the next."""
    child, threads = Offspring(make_plan(RECIPES["linear"], models)), torch.get_num_threads()
    engine.load_tensors(child)
    expected = engine.logprobs(PROMPTS)
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            engine.load_tensors(broken(child, after, error))
        assert caught.value is error
        assert torch.get_num_threads() == threads
    engine.load_tensors(child)
    assert same(engine.logprobs(PROMPTS), expected)
    with pytest.raises(type(error)):
        engine.load_tensors(broken(child, after, error))
    engine.load(models["base"])
    base = engine.logprobs(PROMPTS)
    engine.load_tensors(child)
    engine.load(models["base"])
    assert same(engine.logprobs(PROMPTS), base)


def test_a_failed_breeding_says_what_it_says_elsewhere(
    engine: Engine, models: dict[str, Path], tmp_path: Path
) -> None:
    huge = Recipe("task_arithmetic", PARENTS[:2], {"scale": 1e39}, 0)
    with pytest.raises(BreedError) as elsewhere:
        breed(huge, models, tmp_path / "out")
    with pytest.raises(BreedError) as here:
        engine.load_tensors(Offspring(make_plan(huge, models)))
    assert str(here.value) == str(elsewhere.value)
    engine.load(models["base"])


def test_a_parent_that_is_not_finite_is_named(
    engine: Engine, models: dict[str, Path], tmp_path: Path
) -> None:
    breed(RECIPES["gaussian"], models, tmp_path / "bad")
    file = tmp_path / "bad" / "model.safetensors"
    with file.open("r+b") as stream:
        stream.seek(-4, os.SEEK_END)
        stream.write(np.float32(np.nan).tobytes())
    parents = (Parent("base", "model"), Parent("bad", "model"))
    plan = make_plan(Recipe("linear", parents, {}, 0), models | {"bad": tmp_path / "bad"})
    with pytest.raises(ModelError, match="has NaN or infinite values"):
        engine.load_tensors(Offspring(plan))
    engine.load(models["base"])


def test_tensors_that_do_not_fit_are_refused(engine: Engine, models: dict[str, Path]) -> None:
    base = Checkpoint(models["base"])
    name = next(name for name in base.names if name.endswith("down_proj.weight"))
    for wrong in ({name: torch.zeros(3, 3)}, {"model.unknown.weight": torch.zeros(3)}):
        with pytest.raises(EvaluationError, match=r"cannot load the weights|do not fit"):
            engine.load_tensors(wrong.items())
    engine.load(models["base"])


def test_few_tensors_live_at_once(
    engine: Engine, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speciate.evaluator.hf.PART", 1 << 17)
    base, living, most = Checkpoint(models["base"]), set[str](), 0

    def watched() -> Iterator[tuple[str, Tensor]]:
        nonlocal most
        for name in base.names:
            # What a tensor was made of lives for as long as its storage does.
            stored = base.tensor(name)
            array = stored.view(torch.uint8).numpy().copy()
            living.add(name)
            weakref.finalize(array, living.discard, name)
            most = max(most, sum(base.tensor(name).nbytes for name in living))
            tensor = torch.from_numpy(array).view(stored.dtype)
            del array
            yield name, tensor
            del tensor

    engine.load_tensors(watched())
    total = sum(base.tensor(name).nbytes for name in base.names)
    largest = max(base.tensor(name).nbytes for name in base.names)
    assert most < max(total / 2, 3 * largest)
    assert not living


def test_parts() -> None:
    taken: list[str] = []

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for name, size in (("a", 4), ("b", 4), ("c", 20), ("d", 8), ("e", 1)):
            taken.append(name)
            yield name, torch.zeros(size, dtype=torch.uint8)

    parts = in_parts(tensors(), 8)
    assert (list(next(parts)), taken) == (["a", "b"], ["a", "b", "c"])
    assert [list(part) for part in parts] == [["c"], ["d"], ["e"]]
    assert [list(part) for part in in_parts(tensors(), None)] == [list("abcde")]
    assert list(in_parts([])) == [{}]


@pytest.mark.nightly
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a core for each worker")
def test_a_model_that_is_split_takes_a_stream(zoo: Path, tmp_path: Path) -> None:
    """Two worker processes, each with its share of the weights."""
    cores = "|".join(map(str, sorted(os.sched_getaffinity(0))[:2]))
    environment = os.environ | {"VLLM_CPU_OMP_THREADS_BIND": cores}
    command = [sys.executable, str(SPLIT), str(zoo / "models"), str(tmp_path)]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert json.loads(run.stdout.splitlines()[-1]) == {"written": True, "after failure": True}
