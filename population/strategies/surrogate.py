"""Quadratic surrogates of scores as functions of the founders' weights, by evaluations only.

After Li et al., "MAP: Low-compute Model Merging with Amortized Pareto Fronts via Quadratic
Approximation" (2024). There the front of the surrogates is sought by NSGA; weights are few and
surrogates cost nothing, so here many random weights are asked about.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.niches import scored
from speciate.population.pareto import pareto
from speciate.population.randomness import Stream, stream
from speciate.population.strategies.breeder import Searcher, ids
from speciate.records import Individual, Proposal, State

Floats = NDArray[np.float64]
_RIDGE = 1e-6
_NEAR = 0.1  # Part of random weights in those near the best.
_APART = 0.02  # Least distance of weights that are tried together.


class Surrogate(Searcher):
    """The memory holds ids of all children that did not fail: their recipes hold the weights."""

    name = "surrogate"
    config: schema.Surrogate

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        later = max(0, self.config.evaluations - self.config.first)
        return 2 + -(-later // self.config.size)

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        return replace(super().start(founders), memory={"told": []})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: random weights at first, then what the surrogates promise."""
        left = self.config.evaluations - state.asked
        if left <= 0:
            return None
        draws = stream(self.seed, self.name, "weights", str(state.step))
        if state.asked == 0:
            found = _simplex(draws, min(self.config.first, left), len(self.models))
        else:
            found = self._promising(state, known, draws)[: min(self.config.size, left)]
        numbered = enumerate(found.round(6).tolist(), state.asked)
        return tuple(self._proposal(number, weights) for number, weights in numbered)

    def _proposal(self, number: int, weights: Sequence[float]) -> Proposal:
        draws = stream(self.seed, self.name, "proposal", str(number))
        recipe = self.crossed(number, self.models, weights, draws)
        return Proposal(number, recipe, self.name, "weights")

    def _promising(self, state: State, known: Known, draws: Stream) -> Floats:
        """As many weights as a generation has, the most promising of those that lie apart."""
        names = self._near_the_top([*self.models, *state.memory["told"]], known)
        weights = np.array([self._weights(known[name]) for name in names])
        targets = np.array([self._targets(known[name], known) for name in names])
        best = weights[0]
        half = self.config.candidates // 2
        near = (1 - _NEAR) * best + _NEAR * _simplex(draws, half, len(best))
        asked = np.concatenate([near, _simplex(draws, half, len(best))])
        promised = _features(asked) @ fitted(_features(weights), targets)
        return _apart(asked[_best_first(promised)], self.config.size)

    def _near_the_top(self, names: Sequence[str], known: Known) -> tuple[str, ...]:
        """The better half, best first, but twice as many as there are coefficients.

        Far below the top scores level off, and one quadratic function does not fit all.
        """
        coefficients = len(self.models) * (len(self.models) + 1) // 2
        ranks = ids(self.ranked(names, known))
        return ranks[: max(2 * coefficients, len(ranks) // 2)]

    def _weights(self, one: Individual) -> list[float]:
        """How much of each founder there is."""
        if one.id in self.models:
            return [float(name == one.id) for name in self.models]
        return list(one.recipe.parameters["weights"])

    def _targets(self, one: Individual, known: Known) -> list[float]:
        """What is modelled of an individual, higher is better."""
        excess = self.goals.excess(one, known)
        if not self.objectives:
            return [-excess if excess else one.fitness]
        higher = self.goals.higher_is_better
        return [scored(one, task) * (1 if higher[task] else -1) for task in self.objectives]

    def due(self, state: State) -> int:
        """See `Strategy.due`: a generation is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`."""
        members = state.members
        for one in born:
            members = self.survivors(members, one, known)
        told = [*state.memory["told"], *(one.id for one in born if one.evaluation)]
        return replace(state, step=state.step + 1, members=members, memory={"told": told})


def fitted(features: Floats, targets: Floats) -> Floats:
    """Coefficients of least squares, one column a target, with a ridge where too few are known."""
    gram = features.T @ features + _RIDGE * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ targets))


def _features(weights: Floats) -> Floats:
    """All products of two weights: where weights sum to 1, every quadratic function is of these."""
    rows, columns = np.triu_indices(weights.shape[1])
    return np.asarray(weights[:, rows] * weights[:, columns])


def _simplex(draws: Stream, count: int, size: int) -> Floats:
    """Weights that sum to 1, uniform: the gaps between sorted numbers."""
    cuts = np.sort(draws.uniform(count * (size - 1)).reshape(count, size - 1), axis=1)
    edges = np.concatenate([np.zeros((count, 1)), cuts, np.ones((count, 1))], axis=1)
    return np.diff(edges, axis=1)


def _best_first(promised: Floats) -> list[int]:
    """By the one target, or by fronts and crowding of several."""
    if promised.shape[1] == 1:
        return np.argsort(-promised[:, 0], kind="stable").tolist()  # type: ignore[no-any-return]
    points = {f"{index:06d}": row.tolist() for index, row in enumerate(promised)}
    return [int(placed.id) for placed in pareto(points)]


def _apart(points: Floats, count: int) -> Floats:
    """The first points that are not too close to those taken before; if too few, others too."""
    taken: list[int] = []
    for number, point in enumerate(points):
        if len(taken) < count and all(
            np.abs(point - points[other]).max() >= _APART for other in taken
        ):
            taken.append(number)
    taken += [number for number in range(len(points)) if number not in taken]
    return points[taken[:count]]
