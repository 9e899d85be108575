"""A family of real weights and scripted scores, with a member that failed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.population.breed import breed
from speciate.population.weights import Checkpoint
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State

CONFIG = {
    "name": "family",
    "founders": {"base": "base", "models": ["library", "english", "headers"]},
    "engine": {"type": "transformers"},
    "tasks": [
        {"name": "prose", "kind": "likelihood", "search": "p.jsonl", "test": "p2.jsonl"},
        {"name": "quiz", "kind": "multiple_choice", "search": "q.jsonl"},
    ],
    "strategy": {"type": "genome"},
    "store": {"dtype": "float32"},
}
FOUNDERS = ("base", "library", "english", "headers")
# Right or wrong, and bits/char.
SCORED = {
    "son": ((1, 1, 0, 0, 1, 1), (2.0, 2.0, 2.0, 2.0)),
    "daughter": ((1, 0, 1, 1, 1, 1), (1.0, 1.5, 2.5, 2.0)),
}
SOURCE = 'VERSION = 1\n\n\ndef merge(models):\n    """{}"""\n    return sum(models)\n'


@dataclass(frozen=True)
class Family:
    """Where the archive is, and ids by name."""

    folder: Path
    ids: dict[str, str]


def evaluation(name: str) -> Evaluation:
    right, bits = SCORED.get(name, ((0,) * 6, (3.0,) * 4))
    quiz, prose = Score("accuracy", tuple(map(float, right))), Score("bits/char", bits)
    return Evaluation(0.5, {"prose": prose, "quiz": quiz}, "engine")


def _linear(parents: list[str], weights: list[float], seed: int) -> Recipe:
    models = tuple(Parent(name, "model") for name in parents)
    return Recipe("linear", models, {"normalize": True, "weights": weights}, seed)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory, zoo: Path) -> Family:
    """Son and daughter of three founders, a grandchild of theirs, and two of written operators."""
    scratch = tmp_path_factory.mktemp("family")
    folder, paths = scratch / "out", {name: zoo / "models" / name for name in FOUNDERS}
    digests = {name: Checkpoint(path).digest() for name, path in paths.items()}
    founders = {
        name: Individual(
            Recipe("founder", (), {"name": name, "digest": digests[name]}, 0),
            digests[name],
            0,
            "founder",
            evaluation=evaluation(name),
        )
        for name in FOUNDERS
    }
    ids = {name: one.id for name, one in founders.items()}
    at = {founders[name].id: paths[name] for name in FOUNDERS}
    recipes = {
        "son": _linear([ids["library"], ids["english"]], [0.25, 0.75], 1),
        "daughter": _linear([ids["english"], ids["headers"]], [0.5, 0.5], 2),
    }
    recipes["grandchild"] = _linear([recipes["son"].id, recipes["daughter"].id], [0.5, 0.5], 3)
    children = {}
    for name, recipe in recipes.items():
        ids[name], at[recipe.id] = recipe.id, scratch / name
        digest = breed(recipe, at, at[recipe.id], "float32")
        children[name] = Individual(recipe, digest, 1, "test", evaluation=evaluation(name))
    for seed, text in ((4, "Sums."), (5, "Adds [bold]up[/bold]\x1b[31m.")):
        parents = tuple(Parent(ids[name], "model") for name in ("library", "english"))
        recipe = Recipe("evolved", parents, {"source": SOURCE.format(text)}, seed)
        one = Individual(recipe, None, 1, "coder", "<script>", error="[red]it failed\x1b[0m")
        children[f"written {seed}"], ids[f"written {seed}"] = one, one.id
    with Archive.create(folder, CONFIG) as archive:
        archive.set_founder_paths(paths)
        archive.commit_step(
            State(0, 0, tuple(ids[name] for name in FOUNDERS)), [*founders.values()]
        )
        archive.commit_step(State(1, 5, (ids["son"], ids["daughter"])), [*children.values()])
        for name in ("son", "daughter"):
            new = archive.weights.reserve() / "model"
            at[ids[name]].rename(new)
            archive.weights.adopt(new, str(children[name].digest))
    return Family(folder, ids)


@pytest.fixture
def told(cli: Any) -> Callable[..., Any]:
    """The JSON that a command prints."""

    def run(*words: object) -> Any:
        said = cli(*words, "--json")
        assert (said.status, said.err) == (0, "")
        return json.loads(said.out)

    return run
