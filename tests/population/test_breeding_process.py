"""What is bred beside an engine is what is bred anywhere else, and nothing is left of it."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import Tensor

from speciate.errors import BreedError, ConfigError, ModelError, SpeciateError
from speciate.population.breed import breed
from speciate.population.breeding_process import BreedingProcess
from speciate.population.frame import Frame
from speciate.population.offspring import Offspring
from speciate.population.plan import Plan, make_plan
from speciate.population.safetensors_writer import Spec
from speciate.population.shared_memory import shared_room
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no process is forked elsewhere")

Folder = Callable[..., Path]
Patiently = Callable[[Callable[[], bool]], bool]
Random = Callable[[int], dict[str, Tensor]]

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("model model model", {"weights": [0.2, 0.3, 0.5]}),
    "ties": ("base model model", {"density": 0.4}),
    "ties of the model": ("base model model", {"density": 0.4, "scope": "model"}),
    "dare_ties": ("base model model", {"density": 0.5}),
    "iso_c": ("base model model", {}),
    "gaussian": ("parent", {"sigma": 0.1, "density": 0.5}),
}
KILLED = r"a process of the merge was killed, .* use fewer --jobs"


def recipe(named: str) -> Recipe:
    roles, parameters = RECIPES[named]
    parents = tuple(Parent(f"p{n % 3}", role) for n, role in enumerate(roles.split()))
    return Recipe(named.split(" ")[0], parents, parameters, 5)


@pytest.fixture(scope="module")
def process() -> Iterator[BreedingProcess]:
    with closing(BreedingProcess(least=0, jobs=2)) as started:
        yield started


@pytest.fixture
def models(folder: Folder, random_weights: Random) -> dict[str, Path]:
    empty = {"empty": torch.zeros(0, 4), "none": torch.zeros(0, dtype=torch.int64)}
    return {f"p{n}": folder(f"p{n}", random_weights(n) | empty) for n in range(3)}


@pytest.fixture
def slow(folder: Folder) -> Plan:
    """A child that takes seconds to breed: it can be disturbed before it is complete."""
    generator = torch.Generator().manual_seed(0)
    paths = {}
    for n in range(3):
        weights = {f"x{k:02}": torch.randn(500, 500, generator=generator) for k in range(12)}
        paths[f"p{n}"] = folder(f"slow{n}", weights)
    return make_plan(recipe("iso_c"), paths)


def descendants() -> list[psutil.Process]:
    """Of this process, those that breed."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # It has just ended.
            if any("breeding_server" in word for word in process.cmdline()):
                found.append(process)
    return found


def check_same(plan: Plan, process: BreedingProcess, digest: str) -> None:
    """Name by name, type by type, bit by bit; each tensor once, in the order of the plan."""
    threads, child = Offspring(plan), Offspring(plan, process=process)
    expected, found = dict(threads), list(child)
    assert [name for name, _ in found] == [name for one in plan.segments for name in one.names]
    for name, tensor in found:
        assert tensor.dtype == expected[name].dtype
        assert torch.equal(tensor, expected[name])
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    assert child.digest == threads.digest == digest


@pytest.mark.parametrize("dtype", [None, "bfloat16", "float16"])
@pytest.mark.parametrize("named", RECIPES)
def test_it_is_the_child_that_is_written(
    named: str,
    dtype: str | None,
    process: BreedingProcess,
    models: dict[str, Path],
    tmp_path: Path,
) -> None:
    digest = breed(recipe(named), models, tmp_path / "out", dtype)
    plan = make_plan(recipe(named), models, dtype)
    check_same(plan, process, digest)
    if dtype is None:
        child = Offspring(plan, process=process)
        assert [len(list(child)) for _ in range(2)] == [len(plan.frame.specs)] * 2
        assert child.digest == digest
    assert len(descendants()) == 1  # Always the same one.


def test_a_child_of_several_segments(process: BreedingProcess, zoo: Path, tmp_path: Path) -> None:
    pieces = [{"parents": [{"parent": n, "layers": [n, n + 1]}]} for n in range(2)]
    chosen = Recipe("stack", (Parent("base", "model"), Parent("tests", "model")), {}, 0)
    chosen = replace(chosen, parameters={"pieces": pieces})
    paths = {name: zoo / "models" / name for name in ("base", "tests")}
    digest = breed(chosen, paths, tmp_path / "out")
    plan = make_plan(chosen, paths)
    assert len(plan.segments) > 1
    check_same(plan, process, digest)


def test_a_folder_is_written_at_the_same_time(
    process: BreedingProcess, models: dict[str, Path], tmp_path: Path
) -> None:
    child = Offspring(make_plan(recipe("ties"), models), tmp_path / "out", 80, process=process)
    for _ in child:
        assert not (tmp_path / "out").exists()
    assert Checkpoint(tmp_path / "out").digest() == child.digest


def said(what: Callable[[], object]) -> tuple[type[Exception], str]:
    with pytest.raises(SpeciateError) as caught:
        what()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("named", ["linear", "ties", "ties of the model", "iso_c"])
def test_a_parent_that_is_not_finite_is_named(
    named: str,
    process: BreedingProcess,
    models: dict[str, Path],
    folder: Folder,
    random_weights: Random,
) -> None:
    empty = {name: Checkpoint(models["p0"]).tensor(name) for name in ("empty", "none")}
    weights = random_weights(1) | empty
    weights["proj"][1] = torch.nan
    plan = make_plan(recipe(named), models | {"p1": folder("bad", weights)})
    error = said(lambda: list(Offspring(plan, process=process)))
    assert error == said(lambda: list(Offspring(plan)))
    assert error[0] is ModelError
    assert "bad: tensor proj has NaN" in error[1]


def test_a_child_that_overflows_is_refused(
    process: BreedingProcess, models: dict[str, Path]
) -> None:
    parents = (Parent("p0", "base"), Parent("p1", "model"))
    plan = make_plan(Recipe("task_arithmetic", parents, {"scale": 1e39}, 0), models)
    error = said(lambda: list(Offspring(plan, process=process)))
    assert error == said(lambda: list(Offspring(plan)))
    assert error[0] is BreedError


def test_other_errors_are_raised_here_too(
    process: BreedingProcess, models: dict[str, Path]
) -> None:
    plan = make_plan(recipe("linear"), models)
    with pytest.raises(ConfigError, match="dtype: 'x' is not one of"):
        list(Offspring(replace(plan, given=replace(plan.given, dtype="x")), process=process))
    strange: Any = ["x"]
    with pytest.raises(RuntimeError, match="TypeError: unhashable type: 'list'"):
        list(Offspring(replace(plan, given=replace(plan.given, dtype=strange)), process=process))


def test_nothing_is_left(process: BreedingProcess, models: dict[str, Path]) -> None:
    def left() -> tuple[list[Path], int, bool]:
        gc.collect()
        mapped = "memfd:speciate" in Path("/proc/self/maps").read_text()
        # As multiprocessing calls what it shares; other programs have theirs there.
        named = [*Path("/dev/shm").glob("pym-*"), *Path("/dev/shm").glob("sem.mp-*")]
        return named, len([*Path("/proc/self/fd").iterdir()]), mapped

    child = Offspring(make_plan(recipe("linear"), models), process=process)
    list(child)
    before = left()
    _, kept = next(iter(list(child)))
    expected = kept.clone()
    assert left() != before
    assert torch.equal(kept, expected)
    del kept
    assert left() == before
    assert not before[2]
    (server,) = descendants()
    assert not any("memfd:speciate" in one.path for one in server.memory_maps())
    assert server.num_threads() == 1


def test_what_a_cycle_holds_is_given_back_before_the_next(
    process: BreedingProcess, models: dict[str, Path]
) -> None:
    child = Offspring(make_plan(recipe("linear"), models), process=process)
    gc.disable()
    try:
        cycle: list[Any] = [tensor for _, tensor in child]
        cycle.append(cycle)
        del cycle
        for _ in child:
            assert Path("/proc/self/maps").read_text().count("memfd:speciate") == 1
    finally:
        gc.enable()


def test_what_is_left_is_not_bred_to_its_end(
    process: BreedingProcess, slow: Plan, patiently: Patiently
) -> None:
    child = Offspring(slow, process=process)
    stream = iter(child)
    next(stream)
    assert len(descendants()) == 4
    stream.close()  # type: ignore[attr-defined]
    assert patiently(lambda: len(descendants()) == 1)
    with pytest.raises(ValueError, match="when all tensors have been taken"):
        _ = child.digest


def test_who_is_killed_is_started_again_once(process: BreedingProcess, slow: Plan) -> None:
    expected, child, found = Offspring(slow), Offspring(slow, process=process), {}
    for name, tensor in child:
        if not found:  # One of those that do the work.
            descendants()[-1].kill()
        found[name] = tensor
    for name, tensor in expected:
        assert torch.equal(tensor, found[name])
    assert child.digest == expected.digest


def test_who_is_killed_twice_leaves_breeding_to_threads(slow: Plan, patiently: Patiently) -> None:
    servers, others = set(), descendants()
    with closing(BreedingProcess(least=0, jobs=2)) as process:
        child = Offspring(slow, process=process)
        with pytest.raises(BreedError, match=KILLED):
            for _ in child:
                # At once: to look for it would take so long that it may be done.
                server = process._process
                assert server is not None
                server.kill()
                servers.add(server.pid)
        assert len(servers) == 2
        assert patiently(lambda: descendants() == others)
        assert len(list(child)) > 0
        assert child.digest == breed_digest(slow)
        assert descendants() == others


def breed_digest(plan: Plan) -> str:
    child = Offspring(plan)
    list(child)
    return child.digest


def test_small_children_and_too_large_ones_are_bred_by_threads(models: dict[str, Path]) -> None:
    with closing(BreedingProcess()) as process:
        before = descendants()
        assert list(Offspring(make_plan(recipe("linear"), models), process=process))
        assert descendants() == before
    huge = Spec("x", torch.float32, (1 << 50,))
    assert shared_room(Frame(Path(), {}, (huge,))) is None


PROGRAM = """
import signal, sys
from pathlib import Path
from speciate.population.breeding_process import BreedingProcess
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

signal.signal(signal.SIGINT, lambda *_: print("asked to stop", flush=True))
parents = {f"p{n}": Path(sys.argv[1]) / f"slow{n}" for n in range(3)}
roles = ("base", "model", "model")
recipe = Recipe("iso_c", tuple(map(Parent, parents, roles)), {}, 5)
child = Offspring(make_plan(recipe, parents), process=BreedingProcess(least=0, jobs=2))
for name, _ in child:
    print(name, flush=True)
print(child.digest)
"""


def program(folder: Path) -> "subprocess.Popen[str]":
    """Breeds the slow child with a process beside it."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def test_all_end_when_the_engine_is_killed(
    slow: Plan, tmp_path: Path, patiently: Patiently
) -> None:
    with program(tmp_path) as engine:
        assert engine.stdout
        engine.stdout.readline()
        breeding = psutil.Process(engine.pid).children(recursive=True)
        engine.kill()
        assert len(breeding) == 4
        assert patiently(lambda: not any(process.is_running() for process in breeding))


def test_it_does_not_hear_ctrl_c(slow: Plan, tmp_path: Path) -> None:
    """Which ends what is in flight only when it is done."""
    with program(tmp_path) as engine:
        assert engine.stdout
        engine.stdout.readline()
        os.killpg(engine.pid, signal.SIGINT)
        told, complaints = engine.communicate()
    assert told.splitlines()[-1] == breed_digest(slow)
    assert "asked to stop" in told
    assert complaints == ""
