"""Makes an archive of many synthetic individuals with a realistic ancestry, as a campaign would.

    python tests/bench/archive_maker.py OUT COUNT

Steady state: tournaments among the living, crossover and mutation, some failures, two tasks of
right or wrong answers whose skill is inherited with noise.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speciate.archive.archive import Archive
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State

FOUNDERS = 8
LIVING = 64
A_STEP = 16  # children
ITEMS = {"maths": 64, "code": 64}
CONFIG = {"name": "synthetic", "seed": 0, "engine": {"type": "transformers"}}
OPERATORS = ("linear", "ties", "dare_ties", "task_arithmetic", "slerp")
REASONS = (
    "crossover",
    "Both parents are strong at maths, and their errors differ; a mild density keeps what is rare.",
)


@dataclass(frozen=True)
class Born:
    """An individual, and the skill that its children inherit."""

    individual: Individual
    skill: np.ndarray


def campaign(count: int, seed: int = 0) -> Iterator[tuple[State, list[Individual]]]:
    """Steps with their individuals, `count` in all."""
    draws = np.random.default_rng(seed)
    difficulty = {task: draws.normal(1.0, 1.0, items) for task, items in ITEMS.items()}
    alive = [_founder(number, draws, difficulty) for number in range(FOUNDERS)]
    asked = 0
    yield State(1, 0, tuple(one.individual.id for one in alive)), [one.individual for one in alive]
    made, step = FOUNDERS, 1
    while made < count:
        size = min(A_STEP, count - made)
        born = [_child(asked + n, step, alive, draws, difficulty) for n in range(size)]
        asked, made, step = asked + size, made + size, step + 1
        pool = alive + [one for one in born if one.individual.evaluation]
        alive = sorted(pool, key=lambda one: (-one.individual.fitness, one.individual.id))[:LIVING]
        members = tuple(one.individual.id for one in alive)
        yield State(step, asked, members), [one.individual for one in born]


def make(folder: Path, count: int) -> None:
    """Record such a campaign."""
    with Archive.create(folder, CONFIG) as archive:
        for state, born in campaign(count):
            archive.commit_step(state, born)


def _founder(number: int, draws: np.random.Generator, difficulty: dict[str, np.ndarray]) -> Born:
    digest = _digest(f"founder {number}")
    recipe = Recipe("founder", (), {"name": f"expert-{number}", "digest": digest}, 0)
    skill = draws.normal(0.0, 0.7, len(ITEMS))
    evaluation = _evaluation(skill, draws, difficulty)
    return Born(Individual(recipe, digest, 0, "founder", evaluation=evaluation), skill)


def _child(
    number: int,
    step: int,
    alive: list[Born],
    draws: np.random.Generator,
    difficulty: dict[str, np.ndarray],
) -> Born:
    mates = [alive[min(draws.integers(len(alive), size=2))] for _ in range(2)]
    seed = int(draws.integers(2**63))
    if draws.uniform() < 0.3 or mates[0].individual.id == mates[1].individual.id:
        mates = mates[:1]
        parents = [Parent(mates[0].individual.id, "parent")]
        recipe = Recipe("gaussian", tuple(parents), {"sigma": 0.002, "density": 0.2}, seed)
    else:
        parents = [Parent(one.individual.id, "model") for one in mates]
        weight = float(draws.uniform())
        parameters = {"weights": [weight, 1 - weight], "density": float(draws.uniform())}
        recipe = Recipe(str(draws.choice(OPERATORS)), tuple(parents), parameters, seed)
    reason = str(draws.choice(REASONS))
    skill = np.mean([one.skill for one in mates], axis=0) + draws.normal(0.0, 0.15, len(ITEMS))
    if draws.uniform() < 0.02:
        error = "the merged weights are not finite"
        return Born(Individual(recipe, None, step, "steady_state", reason, error=error), skill)
    evaluation = _evaluation(skill, draws, difficulty)
    one = Individual(recipe, _digest(recipe.id), step, "steady_state", reason, evaluation)
    return Born(one, skill)


def _evaluation(
    skill: np.ndarray, draws: np.random.Generator, difficulty: dict[str, np.ndarray]
) -> Evaluation:
    scores = {}
    for place, (task, hard) in enumerate(difficulty.items()):
        right = draws.uniform(size=len(hard)) < 1 / (1 + np.exp(hard - skill[place]))
        scores[task] = Score("accuracy", tuple(right.astype(float).tolist()))
    fitness = sum(score.value for score in scores.values()) / len(scores)
    return Evaluation(fitness, scores, "engine-1")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
