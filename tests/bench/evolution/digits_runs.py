"""What is compared on digits, and how one search is played, evaluation by evaluation."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from digits_world import TASK, Network, World, founders
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.population.crew import Crew
from speciate.population.goals import Goals
from speciate.population.strategies import STRATEGIES, Strategy
from speciate.records import FOUNDER, Individual, Recipe

POINTS = 100
SIGMA = 0.01
# The upper end is never drawn.
ANYWHERE = (0.0, 0.999999)


def crossover(split: object, sigma: float) -> dict[str, object]:
    """The section of the operator of M2N2; noise is for search from scratch."""
    parameters = {"split": split, "t": (0.0, 1.0), "sigma": sigma}
    return {"operator": "split_point", "parameters": parameters}


@dataclass(frozen=True)
class Start:
    """What a search begins with.

    Attributes:
        trained: Whether each founder has seen half of the digits; if not, weights are noise.
        evaluations: Children in all.
        sigma: Of the noise that is added to every child.
    """

    trained: bool
    evaluations: int
    sigma: float


STARTS = {"scratch": Start(False, 50_000, SIGMA), "half-trained": Start(True, 10_000, 0.0)}


@dataclass(frozen=True)
class Setting:
    """A way to search.

    Attributes:
        published: Test accuracy in percent by start, read off the paper's plots.
        split: Of the crossover; 0 is none, as one share then holds for all parameters.
        more: Of the strategy's section.
        starts: Where it is compared; a mutant without noise is its parent.
    """

    published: Mapping[str, float] = field(default_factory=dict)
    split: object = ANYWHERE
    more: Mapping[str, object] = field(default_factory=dict)
    starts: tuple[str, ...] = ("half-trained",)

    def section(self, start: Start) -> dict[str, object]:
        """Of a campaign's config; strictly one child after the other, as published."""
        return {
            "type": "m2n2",
            "population": 20,
            "evaluations": start.evaluations,
            "lag": 1,
            "crossover": [crossover(self.split, start.sigma)],
            **self.more,
        }


SETTINGS = {
    "M2N2": Setting({"scratch": 87, "half-trained": 68}, starts=tuple(STARTS)),
    "no attraction": Setting({"half-trained": 66}, more={"attraction": False}),
    "no split": Setting({"half-trained": 58}, split=0.0),
    "no competition": Setting(more={"alpha": 0.0}),
    "neither competition nor attraction": Setting(
        {"scratch": 68, "half-trained": 52},
        more={"alpha": 0.0, "attraction": False},
        starts=tuple(STARTS),
    ),
    "no crossover": Setting(
        {"scratch": 77},
        more={"crossover_rate": 0.0, "sigma": SIGMA, "gene_rate": 1.0},
        starts=("scratch",),
    ),
}


class Search:
    """A strategy at work: living networks, their records, and its state."""

    def __init__(
        self, world: World, section: Mapping[str, object], trained: bool, seed: int
    ) -> None:
        config: Any = TypeAdapter[schema.Strategy](schema.Strategy).validate_python(section)
        made = founders(seed, trained)
        recipes = [
            Recipe(FOUNDER, (), {"name": name, "digest": one.digest}, 0)
            for name, one in made.items()
        ]
        self.networks = dict(zip([one.id for one in recipes], made.values(), strict=True))
        born = [world.individual(one, self.networks[one.id], 0) for one in recipes]
        goals = Goals({TASK: True})
        self.known = {one.id: one for one in born}
        self._strategy: Strategy = STRATEGIES[config.type](
            config, seed, None, tuple(self.known), goals
        )
        self._world, self.state = world, self._strategy.start(born)

    def step(self) -> bool:
        """Breeds, scores and tells of what is due; false when the search is over."""
        asked = self._strategy.ask(self.state, self.known)
        if asked is None:
            return False
        state = self.state.asking(asked)
        due = self._strategy.due(state)
        born = [self._born(one.recipe, state.step) for one in state.pending[:due]]
        self.state = self._strategy.tell(state.told(due), born, self.known)
        # Nobody looks at the dead again.
        for name in self.known.keys() - self.state.members:
            del self.known[name], self.networks[name]
        return True

    def _born(self, recipe: Recipe, step: int) -> Individual:
        network = self._world.child(recipe, self.networks)
        one = self._world.individual(recipe, network, step)
        self.networks[one.id], self.known[one.id] = network, one
        return one

    @property
    def best(self) -> tuple[float, Network]:
        """Training accuracy of the best member, and the member."""
        name = self.state.members[0]
        return self.known[name].fitness, self.networks[name]


def search(start: str, name: str, seed: int) -> dict[str, Any]:
    """One search, on one core: see `run`."""
    torch.set_num_threads(1)
    with Crew(1) as crew:
        return run(World(crew), SETTINGS[name], STARTS[start], seed)


def run(world: World, setting: Setting, start: Start, seed: int) -> dict[str, Any]:
    """One search.

    Args:
        world: Where networks live.
        setting: How to search.
        start: From where, and for how long.
        seed: Of the founders and of the search.

    Returns:
        Seconds of one core, and a curve: evaluations, training and test accuracy of the member
        that is best in training.
    """
    every = max(1, start.evaluations // POINTS)
    begin = time.process_time()
    searched = Search(world, setting.section(start), start.trained, seed)
    curve = []
    while True:
        if searched.state.asked % every == 0:
            train, network = searched.best
            curve.append((searched.state.asked, train, world.test.accuracy(network)))
        if not searched.step():
            return {"seconds": time.process_time() - begin, "curve": curve}
