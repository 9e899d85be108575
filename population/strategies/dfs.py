"""Data-flow space: which blocks of which founder the hidden state passes, and how it is scaled.

After Akiba et al., "Evolutionary optimization of model merging recipes" (2024). There blocks come
model by model and the child may be deeper; here they come by depth, and a child has as many as the
founders, because a running engine takes weights of one shape.
"""

from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.sampling import Sampler
from speciate.records import Individual, Parent, Recipe, State

Step = tuple[int, int]


class Dfs(Sampler):
    """The numbers: how much each block is wanted, then the scale on the way into it.

    The blocks most wanted make the path. The memory holds the models, best first: at first all of
    the best founder's blocks are on it.
    """

    name = "dfs"
    config: schema.Dfs

    @property
    def blocks(self) -> int:
        """Of each model."""
        return self.config.blocks or 1

    @property
    def models_used(self) -> int:
        """How many models a path may go through."""
        return len(self.models)

    def places(self) -> list[Step]:
        """Model and block of each step there may be, in the order of the path."""
        models, blocks = range(self.models_used), range(self.blocks)
        return [(m, b) for _ in range(self.config.repeats) for b in blocks for m in models]

    @property
    def numbers(self) -> int:
        """See `Sampler.numbers`."""
        return len(self.places()) * (2 if self.config.scaled else 1)

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        order = ids(self.ranked(self.models, {one.id: one for one in founders}))
        return replace(state, memory={**state.memory, "models": [*order]})

    def origin(self, state: State) -> list[float]:
        """See `Sampler.origin`: the best founder as it is."""
        places = self.places()
        first = [
            model == 0 and n < len(places) // self.config.repeats
            for n, (model, _) in enumerate(places)
        ]
        wanted = [0.6 if each else 0.4 for each in first]
        low, high = self.config.scales
        if not self.config.scaled:
            return wanted
        return wanted + [min(max((1 - low) / (high - low), 0.0), 1.0)] * len(places)

    def decoded(self, point: Sequence[float], state: State, key: int) -> Recipe:
        """See `Sampler.decoded`."""
        places = self.places()
        order = sorted(range(len(places)), key=lambda n: (-point[n], n))
        chosen = sorted(order[: self.blocks])
        path = [places[n] for n in chosen]
        used = sorted({model for model, _ in path})
        shares = point[len(places) :]
        parameters = {
            "path": [[used.index(model), block] for model, block in path],
            "scales": self._scales(path, [shares[n] for n in chosen]) if shares else None,
        }
        names = state.memory["models"]
        return Recipe("data_flow", tuple(Parent(names[n], "model") for n in used), parameters, key)

    def _scales(self, path: Sequence[Step], shares: Sequence[float]) -> list[float] | None:
        """Factors where the path leaves a model or its order, 1 elsewhere; None if nowhere."""
        low, high = self.config.scales
        factors = [1.0]
        for number in range(1, len(path)):
            model, block = path[number - 1]
            goes_on = path[number] == (model, block + 1)
            factors.append(1.0 if goes_on else low + (high - low) * shares[number])
        return factors if set(factors) != {1.0} else None
