"""Ground whose best place is known: sphere, Rastrigin, and merges that answer items.

Recipes are points: averages of founders, who stand at the corners, and noise on them. What is
looked at is the regret, how far the best so far is below the best place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from toy import Toy

from speciate.records import FOUNDER, Recipe

Point = NDArray[np.float64]
Ground = Callable[[Point], Point]
# The best average of the four founders.
BEST = np.array([0.15, 0.4, 0.35, 0.1])


def sphere(point: Point) -> Point:
    """One item, quadratic around the best place."""
    return np.array([1 - np.sum((point - BEST) ** 2)])


def rastrigin(point: Point) -> Point:
    """The same with a hill every tenth of the way."""
    off = point - BEST
    ripples = 0.02 * np.sum(1 - np.cos(20 * np.pi * off))
    return np.array([1 - np.sum(off**2) - ripples])


def items(point: Point) -> Point:
    """Probabilities of 60 right answers: 2PL items, three skills, each quadratic in the weights."""
    random = np.random.default_rng(5)
    shapes = 1 + 3 * random.random((3, 4))
    skills = 2 - 4 * (shapes * (point - BEST) ** 2).sum(axis=1)
    discriminations, difficulties = 0.5 + random.random((60, 3)), random.normal(2, 1.5, 60)
    right: Point = 1 / (1 + np.exp(difficulties - discriminations @ skills))
    return right


GROUNDS = (sphere, rastrigin, items)


class Merges:
    """Scores of recipes on a ground, and the regret after each child."""

    def __init__(self, toy: Toy, ground: Ground, tasks: Sequence[str] = ("one",)) -> None:
        """Items are dealt to the tasks in equal parts."""
        self._ground = ground
        self._tasks = tasks
        self._places = toy.landscape(one=(0, 0, 0, 0))
        self.optimum = float(ground(BEST).mean())
        self.regrets: list[float] = []

    def __call__(self, recipe: Recipe) -> dict[str, tuple[float, ...]]:
        self._places(recipe)
        # No fitness may be less than 0.
        found = np.maximum(self._ground(self._places.points[recipe.id]), 0)
        if recipe.operator != FOUNDER:
            least = min([self.optimum - float(found.mean()), *self.regrets[-1:]])
            self.regrets.append(least)
        parts = np.array_split(found, len(self._tasks))
        return {task: tuple(part.tolist()) for task, part in zip(self._tasks, parts, strict=True)}


def regrets(
    kind: str,
    ground: Ground,
    seed: int,
    budget: int,
    settings: Mapping[str, Any],
    tasks: Sequence[str] = ("one",),
) -> list[float]:
    """After each child of a strategy; `budget` of them, where it counts them."""
    toy = Toy()
    given = {"evaluations": budget} if toy.takes(kind, "evaluations") else {}
    merges = Merges(toy, ground, tasks)
    toy.play(toy.strategy(kind, seed, **given, **settings), merges)
    return merges.regrets


def after(curve: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Regrets after so many children; who ends before keeps what it found."""
    return [curve[min(count, len(curve)) - 1] for count in counts]
