"""Strategies played against scripted scores, by the rules of the campaign's loop."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from speciate.configs.constraints import Constraint, archived
from speciate.configs.strategies import SECTIONS
from speciate.population.goals import Goals
from speciate.population.kinship import Kin, Kinship, Moments
from speciate.population.randomness import stream
from speciate.population.strategies import NEED_KIN, STRATEGIES, Strategy
from speciate.records import (
    FOUNDER,
    Evaluation,
    Individual,
    Proposal,
    Recipe,
    Score,
    State,
    digest_of,
)

SMALL: dict[str, dict[str, object]] = {
    "genome": {"population": 6, "generations": 4},
    "genome_plus": {"population": 6, "generations": 4},
    "steady_state": {"population": 6, "evaluations": 30, "lag": 4},
    "nsga2": {"population": 6, "generations": 4, "objectives": ["one", "two"]},
    "kinship": {"population": 6, "generations": 4, "stop_above": 1, "patience": 9},
    "random": {"population": 6, "evaluations": 30, "lag": 4},
    "best_of": {"population": 6, "evaluations": 30, "lag": 4},
    "greedy_soup": {"population": 6},
    "m2n2": {"population": 6, "evaluations": 30, "lag": 4},
    "map_elites": {"behaviours": ["two"], "bins": 8, "evaluations": 30, "lag": 4},
    "darwin": {"population": 6, "evaluations": 30, "lag": 4},
    "power_law": {"population": 6, "evaluations": 30, "lag": 4},
    "archipelago": {"population": 4, "islands": 3, "interval": 9, "evaluations": 40, "lag": 4},
    "novelty": {"population": 6, "evaluations": 30, "lag": 4},
    "mate_choice": {"population": 6, "evaluations": 30, "lag": 4},
    "frank_wolfe": {"population": 6, "rounds": 6},
    "surrogate": {"population": 6, "evaluations": 30, "first": 12, "size": 6},
    "mixture": {
        "population": 6,
        "evaluations": 30,
        "lag": 4,
        "parts": [
            {"type": "steady_state", "population": 6},
            {"type": "m2n2", "population": 6, "crossover": [{"operator": "linear"}]},
            {"type": "map_elites", "behaviours": ["two"]},
        ],
    },
    "cma_es": {"population": 6, "evaluations": 30},
    "dfs": {"population": 6, "evaluations": 30, "blocks": 4},
    "ps_dfs": {"population": 6, "evaluations": 16, "path_evaluations": 16, "blocks": 4},
    "cycle_qd": {"qualities": ["one", "two"], "bins": 5, "evaluations": 30, "lag": 4},
}
Scores = Mapping[str, float | tuple[float, ...]] | None  # A score, or one an item.
Scoring = Callable[[Recipe], Scores]


class Landscape:
    """Models are points: merges are averages, and a task asks for being near a place."""

    def __init__(
        self,
        founders: Sequence[Recipe],
        targets: Mapping[str, Sequence[float]],
        by_item: bool = False,
    ) -> None:
        """Founders stand at the unit vectors; each coordinate may be an item of a task."""
        self.by_item = by_item
        self.targets = {task: np.asarray(place) for task, place in targets.items()}
        self.points = {
            recipe.id: row for recipe, row in zip(founders, np.eye(len(founders)), strict=True)
        }

    def __call__(self, recipe: Recipe) -> Scores:
        if recipe.id not in self.points:
            self.points[recipe.id] = self._child(recipe)
        point = self.points[recipe.id]
        if self.by_item:
            return {
                task: tuple((1 / (1 + 4 * (point - place) ** 2)).tolist())
                for task, place in self.targets.items()
            }
        return {
            task: float(1 / (1 + np.sum((point - place) ** 2)))
            for task, place in self.targets.items()
        }

    def _child(self, recipe: Recipe) -> np.ndarray:
        parents = [self.points[parent.id] for parent in recipe.parents]
        given = recipe.parameters
        if recipe.operator == "gaussian":
            noise = stream(recipe.seed, "noise").normal(parents[0].shape).numpy()
            return parents[0] + given["sigma"] * noise
        if recipe.operator == "svd_mutation":
            base, parent = parents
            grown = given["rate"] * stream(recipe.seed, "growth").uniform(len(parent))
            return parent + grown * (parent - base)
        if recipe.operator == "split_point":
            here = np.arange(len(parents[0])) < int(given["split"] * len(parents[0]))
            share = np.where(here, given["t"], 1 - given["t"])
            return (1 - share) * parents[0] + share * parents[1]
        if recipe.operator == "slerp":
            return (1 - given["t"]) * parents[0] + given["t"] * parents[1]
        if recipe.operator == "succession":
            return self._moved(recipe)
        if recipe.operator == "data_flow":
            # Coordinate n is what the model has there whose block is the n-th of the path.
            at = [(parents[model], block) for model, block in given["path"]]
            return np.array([point[block % len(point)] for point, block in at])
        base = {parent.role: self.points[parent.id] for parent in recipe.parents}.get("base", 0)
        models = [self.points[name] - base for name in recipe.with_role("model")]
        weights = np.array(given.get("weights") or [1.0] * len(models))
        if weights.ndim > 1:
            # Depth is along the coordinates.
            size = len(models[0])
            depth, anchors = np.linspace(0, 1, size), np.linspace(0, 1, weights.shape[1])
            weights = np.array([np.interp(depth, anchors, row) for row in weights])
            shift = np.sum(weights * models, axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
        else:
            shift = np.average(models, axis=0, weights=weights)
        return base + given.get("scale", 1.0) * shift

    def _moved(self, recipe: Recipe) -> np.ndarray:
        """A step of a particle swarm."""
        at = {parent.role: self.points[parent.id] for parent in recipe.parents}
        given, here = recipe.parameters, at["current"]
        pulls = {
            "inertia": (at["inertia_to"] - at["inertia_from"]) / given["inertia_step"],
            "cognitive": at["personal_best"] - here,
            "social": at["best"] - here,
            "repulsion": here - at["worst"],
        }
        return here + given["step"] * np.average(
            list(pulls.values()), axis=0, weights=[given[name] for name in pulls]
        )


class Toy:
    """Founders, strategies to play with, and how they are played."""

    founders = tuple(Recipe(FOUNDER, (), {"name": name, "digest": name * 64}, 0) for name in "abcd")
    ids = tuple(recipe.id for recipe in founders)
    base = ids[0]

    @staticmethod
    def hashed(name: str) -> float:
        """A number in [0, 1) that is as good as random, and the same everywhere."""
        return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32

    @classmethod
    def random(cls, recipe: Recipe) -> Scores:
        """Scores of two tasks that have nothing to do with one another."""
        return {task: cls.hashed(recipe.id + task) for task in ("one", "two")}

    @staticmethod
    def by_name(fitness: Callable[[str], float | None]) -> Scoring:
        """Scores by id."""

        def score(recipe: Recipe) -> Scores:
            value = fitness(recipe.id)
            return None if value is None else {"one": value, "two": value}

        return score

    def landscape(self, by_item: bool = False, **targets: Sequence[float]) -> Landscape:
        """Tasks by the places that they ask for, one number a founder."""
        return Landscape(self.founders, targets, by_item)

    @staticmethod
    def takes(kind: str, key: str) -> bool:
        """Whether a strategy has such a setting."""
        return key in SECTIONS[kind].model_fields

    def strategy(
        self,
        kind: str,
        seed: int = 0,
        constraints: Sequence[Constraint] = (),
        lower: Sequence[str] = (),
        kin: Kin | None = None,
        **settings: object,
    ) -> Strategy:
        """A small strategy of this type; tasks are better higher, but those in `lower`."""
        section = SECTIONS[kind].model_validate({"type": kind, **SMALL[kind], **settings})
        goals = Goals({task: task not in lower for task in ("one", "two")}, constraints)
        more = {"kin": kin or self.kin} if kind in NEED_KIN else {}
        return STRATEGIES[kind](section, seed, self.base, self.ids, goals, **more)

    def kin(self, names: Sequence[str], _: Mapping[str, Individual]) -> Kinship:
        """Anybody may be akin to anybody."""
        vectors = np.array([[self.hashed(f"{name}{axis}") for axis in range(8)] for name in names])
        return Kinship(tuple(names), Moments(8, vectors.sum(axis=1), vectors @ vectors.T))

    @staticmethod
    def constraint(**section: object) -> Constraint:
        """As in a campaign file."""
        (found,) = archived({"constraints": [section]})
        return found

    @staticmethod
    def individual(recipe: Recipe, step: int, scores: Scores, proposer: str = "test") -> Individual:
        """As the campaign's stages make it."""
        if scores is None:
            return Individual(recipe, None, step, proposer, error="failed")
        items = {
            task: Score("accuracy", value if isinstance(value, tuple) else (value,))
            for task, value in scores.items()
        }
        fitness = sum(score.value for score in items.values()) / len(items)
        evaluation = Evaluation(fitness, items, "scripted")
        return Individual(recipe, digest_of(recipe.id), step, proposer, "", evaluation)

    def play(
        self,
        one: Strategy,
        score: Scoring | None = None,
        steps: int = 1000,
        others: Mapping[str, Individual] | None = None,
    ) -> tuple[list[State], dict[str, Individual]]:
        """The states after each step, and everyone; `others` are known before they are told of."""
        score = score or self.by_name(self.hashed)
        founders = [self.individual(recipe, 0, score(recipe)) for recipe in self.founders]
        everyone = {**(others or {}), **{founder.id: founder for founder in founders}}
        states = [one.start(founders)]
        while len(states) <= steps and (asked := one.ask(states[-1], everyone)) is not None:
            state = self.asking(states[-1], asked)
            due = one.due(state)
            born = [
                self.individual(each.recipe, state.step, score(each.recipe), each.proposer)
                for each in state.pending[:due]
            ]
            everyone |= {child.id: child for child in born}
            states.append(one.tell(state.told(due), born, everyone))
        return states, everyone

    @staticmethod
    def asking(state: State, asked: Sequence[Proposal]) -> State:
        """The state after proposals, whose numbers and parents are in order."""
        numbers = [proposal.number for proposal in asked]
        assert numbers == list(range(state.asked, state.asked + len(numbers)))
        return state.asking(asked)
