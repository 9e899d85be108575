"""Who is bred by a process beside the engine is stored, fails and is remembered as anybody."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from speciate.archive.store import WeightStore
from speciate.configs import schema
from speciate.errors import BreedError
from speciate.nursery import Nursery
from speciate.population.breed import breed
from speciate.population.breeding_process import BreedingProcess
from speciate.population.weights import Checkpoint
from speciate.records import Individual, Parent, Recipe

PARENTS = (Parent("base", "base"), Parent("tests", "model"))


@pytest.fixture(scope="module")
def process() -> Iterator[BreedingProcess]:
    with closing(BreedingProcess(least=0, jobs=2)) as started:
        yield started


def individual(scale: float) -> Individual:
    return Individual(Recipe("task_arithmetic", PARENTS, {"scale": scale}, 0), None, 0, "test")


@pytest.mark.parametrize("keep", ["all", "living"])
def test_a_newborn(keep: str, process: BreedingProcess, zoo: Path, tmp_path: Path) -> None:
    founders = {name: zoo / "models" / name for name in ("base", "tests")}
    store = WeightStore(tmp_path / "weights")
    nursery = Nursery(founders, store, schema.Store(keep=keep), process)
    one, huge = individual(0.5), individual(1e39)
    with nursery.newborn(one, {}) as offspring:
        names = [name for name, _ in offspring]
    assert sorted(names) == sorted(Checkpoint(founders["base"]).names)
    assert offspring.digest == breed(one.recipe, founders, tmp_path / "out")
    assert (store.path(offspring.digest) is not None) == (keep == "all")
    with pytest.raises(BreedError, match="NaN or infinite"), nursery.newborn(huge, {}) as offspring:
        list(offspring)
    with pytest.raises(BreedError, match=r"has no weights: .* NaN or infinite"):
        nursery.folder(huge.id, {huge.id: huge})
    assert not [path for path in store.folder.rglob("*") if "partial" in path.name]
