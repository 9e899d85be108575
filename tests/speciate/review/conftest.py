"""A campaign with proposals that wait, and people with names to look at them."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Draft
from speciate.records import Evaluation, Individual, Origin, Parent, Recipe, Score, State

SOURCE = '''"""Keep the first."""


def merge(models, base, parameters, random):
    return models[0]
'''


@dataclass(frozen=True)
class Waiting:
    """A campaign in `folder` that has bred from `founders`; individuals by their part."""

    folder: Path
    founders: tuple[str, str]
    alive: str
    dead: str
    failed: str

    source = SOURCE

    @property
    def archive(self) -> Archive:
        return Archive.open(self.folder)

    def recipe(
        self,
        *parents: str,
        operator: str = "linear",
        seed: int = 0,
        parameters: Mapping[str, Any] | None = None,
    ) -> Recipe:
        """A recipe of models; a plain average of the founders, if nothing is said."""
        models = tuple(Parent(one, "model") for one in parents or self.founders)
        share = 1 / len(models)
        given = {"weights": [share] * len(models)} if parameters is None else parameters
        return Recipe(operator, models, given, seed)

    def put(self, number: int, recipe: Recipe, **more: Any) -> Draft:
        """Puts a proposal forward."""
        said: dict[str, Any] = {
            "proposer": "breeder",
            "reason": "the halves complement each other",
            "origin": Origin("breeder@local/linear", "first", "7" * 64, 0.625),
            "why": "all recipes are reviewed",
            "step": 1,
        }
        draft = Draft(number, recipe, **said | more)
        self.archive.drafts.put(draft)
        return draft


def _one(recipe: Recipe, fitness: float | None, step: int) -> Individual:
    if fitness is None:
        return Individual(recipe, None, step, "evolution", error="shapes differ")
    evaluation = Evaluation(fitness, {"sums": Score("accuracy", (fitness,))}, "engine")
    return Individual(recipe, recipe.id * 2, step, "evolution", "a try", evaluation)


@pytest.fixture(scope="session")
def _original(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    folder = tmp_path_factory.mktemp("original") / "campaign"
    founders = [
        _one(Recipe("founder", (), {"name": name, "digest": name}, 0), fitness, 0)
        for name, fitness in (("maths", 0.5), ("chat", 0.25))
    ]
    both = tuple(Parent(one.id, "model") for one in founders)
    born = [
        _one(Recipe("linear", both, {"weights": [0.25 * seed, 0.5]}, seed), fitness, 1)
        for seed, fitness in ((1, 0.75), (2, 0.125), (3, None))
    ]
    with Archive.create(folder, {"name": "small", "tasks": []}) as archive:
        archive.commit_step(State(0, 2, tuple(one.id for one in founders)), founders)
        archive.commit_step(State(1, 5, (born[0].id,)), born)
        archive.commit_step(State(4, 5, (born[0].id,)), [])
    maths, chat = (one.id for one in founders)
    return Waiting(folder, (maths, chat), *(one.id for one in born))


@pytest.fixture
def waiting(tmp_path: Path, _original: Waiting) -> Waiting:
    return replace(_original, folder=shutil.copytree(_original.folder, tmp_path / "campaign"))


@pytest.fixture
def become(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes git know the user as somebody, or as nobody."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def change(name: str) -> None:
        file = tmp_path / f"{name}.gitconfig"
        known = f"[user]\n\tname = {name}\n\temail = {name.lower()}@example.org\n"
        file.write_text(known if name else "")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))

    change("Ada")
    return change
