"""Makes an archive of many synthetic individuals with a realistic ancestry, as a campaign would.

    python tests/bench/archive_maker.py OUT COUNT [--real] > seconds.json

Steady state: tournaments among the 64 living, of which the worst leave; crossover and mutation as
the strategies of speciate draw them, 2% failures, 16 children a step. Two tasks of 64 items, right
or wrong. How sure a model is of an item is inherited with a little noise, so that relatives answer
nearly alike, as merged models do. With --real, items are bits per character instead.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speciate.archive.archive import Archive
from speciate.configs import schema
from speciate.configs.load import validated
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State

FOUNDERS = 8  # the first is the others' base
LIVING = 64
A_STEP = 16  # children
ITEMS = {"maths": 64, "code": 64}
KINDS = {False: "multiple_choice", True: "likelihood"}
TASK_VECTORS = {"lambda": 1.0, "density": 0.5, "normalize": True}
CROSSOVERS = {
    "linear": {"normalize": True},
    "slerp": {},
    "ties": TASK_VECTORS,
    "dare_ties": TASK_VECTORS,
}
WITH_BASE = ("ties", "dare_ties")
NOISE = 0.25  # of a child's sureness of an item, in standard deviations of the founders'


@dataclass(frozen=True)
class Born:
    """An individual, and how sure it is of each item of each task."""

    individual: Individual
    sureness: dict[str, np.ndarray]


class Maker:
    """Draws a campaign.

    Args:
        real: Items are bits per character; else right or wrong.
        seed: Of all draws.
    """

    def __init__(self, real: bool = False, seed: int = 0) -> None:
        self._real = real
        self._draws = np.random.default_rng(seed)
        self._difficulty = {
            task: self._draws.normal(-0.5, 1.0, items) for task, items in ITEMS.items()
        }

    def campaign(self, count: int) -> Iterator[tuple[State, list[Individual]]]:
        """Steps with their individuals, `count` in all."""
        alive = [self._founder(number) for number in range(FOUNDERS)]
        base, made, step = alive[0].individual.id, FOUNDERS, 1
        yield _state(1, 0, alive), [one.individual for one in alive]
        while made < count:
            size = min(A_STEP, count - made)
            born = [self._child(step, alive, base) for _ in range(size)]
            made, step = made + size, step + 1
            alive = _best([*alive, *(one for one in born if one.individual.evaluation)])
            yield _state(step, made - FOUNDERS, alive), [one.individual for one in born]

    def _founder(self, number: int) -> Born:
        digest = _digest(f"founder {number}")
        recipe = Recipe("founder", (), {"name": f"expert-{number}", "digest": digest}, 0)
        sureness = {task: self._draws.normal(0.0, 1.0, items) for task, items in ITEMS.items()}
        one = Individual(recipe, digest, 0, "founder", evaluation=self._evaluation(sureness))
        return Born(one, sureness)

    def _child(self, step: int, ranked: Sequence[Born], base: str) -> Born:
        """Of the winners of tournaments of two."""
        draws = self._draws
        places = dict.fromkeys(int(min(draws.integers(len(ranked), size=2))) for _ in range(2))
        mates = [ranked[place] for place in places]
        if len(mates) > 1 and draws.uniform() < 0.3:
            mates = mates[:1]
        recipe, reason = self._recipe(mates, base)
        sureness = {
            task: np.mean([one.sureness[task] for one in mates], axis=0)
            + draws.normal(0.0, NOISE, items)
            for task, items in ITEMS.items()
        }
        if draws.uniform() < 0.02:
            error = "the merged weights are not finite"
            return Born(Individual(recipe, None, step, "steady_state", reason, error=error), {})
        evaluation = self._evaluation(sureness)
        one = Individual(recipe, _digest(recipe.id), step, "steady_state", reason, evaluation)
        return Born(one, sureness)

    def _recipe(self, mates: Sequence[Born], base: str) -> tuple[Recipe, str]:
        draws = self._draws
        seed = int(draws.integers(2**64, dtype=np.uint64))
        if len(mates) == 1:
            parents = (Parent(mates[0].individual.id, "parent"),)
            return Recipe("gaussian", parents, {"sigma": 0.002, "density": 0.2}, seed), "mutation"
        operator = str(draws.choice(list(CROSSOVERS)))
        share = float(draws.uniform())
        shares = {"t": share} if operator == "slerp" else {"weights": [share, 1 - share]}
        parents = tuple(Parent(one.individual.id, "model") for one in mates)
        if operator in WITH_BASE and base not in {parent.id for parent in parents}:
            parents = (Parent(base, "base"), *parents)
        return Recipe(operator, parents, CROSSOVERS[operator] | shares, seed), "crossover"

    def _evaluation(self, sureness: dict[str, np.ndarray]) -> Evaluation:
        scores = {}
        for task, hard in self._difficulty.items():
            margin = sureness[task] - hard
            if self._real:
                scores[task] = Score("bits/char", tuple(np.logaddexp(0.0, -margin).tolist()))
            else:
                scores[task] = Score("accuracy", tuple((margin > 0).astype(float).tolist()))
        worth = sum(score.value for score in scores.values()) / len(scores)
        return Evaluation(1 / (1 + worth) if self._real else worth, scores, "engine-1")


def make(folder: Path, count: int, real: bool = False) -> list[float]:
    """Record such a campaign; returns the seconds that each step took to record."""
    seconds = []
    with Archive.create(folder, _config(real)) as archive:
        for state, born in Maker(real).campaign(count):
            start = time.perf_counter()
            archive.commit_step(state, born)
            seconds.append(time.perf_counter() - start)
    return seconds


def _best(pool: Sequence[Born]) -> list[Born]:
    return sorted(pool, key=lambda one: (-one.individual.fitness, one.individual.id))[:LIVING]


def _state(step: int, asked: int, alive: Sequence[Born]) -> State:
    return State(step, asked, tuple(one.individual.id for one in alive))


def _config(real: bool) -> dict[str, Any]:
    """As a session resolves it."""
    experts = [f"expert-{number}" for number in range(FOUNDERS)]
    tasks = [
        {"name": task, "kind": KINDS[real], "search": f"{task}.jsonl", "test": f"{task}-t.jsonl"}
        for task in ITEMS
    ]
    asked = {
        "name": "synthetic",
        "founders": {"base": experts[0], "models": experts[1:]},
        "engine": {"type": "transformers"},
        "strategy": {"type": "steady_state", "population": LIVING, "batch": A_STEP},
        "tasks": tasks,
    }
    config = validated(schema.Campaign, asked, "the synthetic campaign")
    return config.model_dump(mode="json", exclude={"cluster", "track"})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    print(json.dumps(make(Path(sys.argv[1]), int(sys.argv[2]), "--real" in sys.argv)))
