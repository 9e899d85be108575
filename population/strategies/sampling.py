"""Search by CMA-ES in a box: what is archived is what it was told, from which all else follows.

The optimiser is that of the package `cma` (Hansen), whose random numbers come from keyed streams.
Its state has no stable form in JSON, so it is made again whenever it is asked, from the worths of
all its points so far; the points themselves it finds again.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import stream
from speciate.population.strategies.breeder import Searcher
from speciate.records import Individual, Proposal, Recipe, State

_FULL = 100
"""Numbers up to which dependences between them are learned; beyond, only their scales."""
_DIGITS = 6


def points(
    start: Sequence[float],
    sigma: float,
    told: Sequence[Sequence[float]],
    size: int,
    key: Any,  # noqa: ANN401
) -> list[list[float]]:
    """The next generation of points in [0, 1]**n.

    Args:
        start: The first mean.
        sigma: The first standard deviation.
        told: Worths of the points of each generation so far, higher is better.
        size: Points a generation.
        key: Seed and names of the random streams.
    """
    # Here, because it takes long to import.
    import cma

    seed, *names = key
    calls = iter(range(2**62))

    def normal(*shape: int) -> NDArray[np.float64]:
        drawn = stream(seed, *names, str(next(calls))).normal(shape).double().numpy()
        return np.asarray(drawn)

    options = {
        "popsize": size,
        "bounds": [0, 1],
        "CMA_diagonal": len(start) > _FULL,
        "randn": normal,
        # No seed of its own, no files, nothing on the screen.
        "seed": np.nan,
        "verbose": -10,
        "verb_log": 0,
        "verb_disp": 0,
    }
    search = cma.CMAEvolutionStrategy(list(start), sigma, options)
    for worths in told:
        search.tell(search.ask(), [-worth for worth in worths])
    return [[round(float(x), _DIGITS) for x in point] for point in search.ask()]


class Sampler(Searcher, ABC):
    """Generations of recipes that points stand for."""

    config: schema.Sampling

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + -(-self.config.evaluations // self.size)

    @property
    def size(self) -> int:
        """Points a generation."""
        return self.config.size or 4 + int(3 * math.log(self.numbers))

    @property
    @abstractmethod
    def numbers(self) -> int:
        """How many are searched."""

    @abstractmethod
    def origin(self, state: State) -> list[float]:
        """The first mean, in [0, 1]."""

    @abstractmethod
    def decoded(self, point: Sequence[float], state: State, key: int) -> Recipe:
        """What a point in [0, 1] stands for."""

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        return replace(super().start(founders), memory={"told": []})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: a generation, or what is left of one."""
        told = state.memory["told"]
        left = self.config.evaluations - self.size * len(told)
        if left <= 0:
            return None
        key = (self.seed, self.name, "sample")
        found = points(self.origin(state), self.config.sigma, told, self.size, key)
        numbered = enumerate(found[:left], state.asked)
        return tuple(
            Proposal(n, self.decoded(x, state, self.key(n)), self.name, "sample")
            for n, x in numbered
        )

    def due(self, state: State) -> int:
        """See `Strategy.due`: a generation is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: who failed is worth as little as the worst."""
        worths = dict(self.ranked({one.id for one in born}, known))
        least = min(worths.values(), default=0.0)
        told = [worths.get(one.id, least) for one in born]
        members = state.members
        for one in born:
            members = self.survivors(members, one, known)
        memory = dict(state.memory) | {"told": [*state.memory["told"], told]}
        return replace(state, step=state.step + 1, members=members, memory=memory)
