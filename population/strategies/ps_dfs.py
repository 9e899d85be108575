"""Parameter space, then data-flow space: a path through the founders and their best merge."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.strategies.breeder import Searcher, ids
from speciate.population.strategies.cma_es import CmaEs
from speciate.population.strategies.dfs import Dfs
from speciate.records import Individual, Proposal, State


class _Paths(Dfs):
    """Through one model more than there are founders."""

    name = "ps_dfs.dfs"

    @property
    def models_used(self) -> int:
        """See `Dfs.models_used`."""
        return len(self.models) + 1


class PsDfs(Searcher):
    """Two searches, one after the other; the memory holds that of each under its name."""

    name = "ps_dfs"
    config: schema.PsDfs

    def __init__(self, config: schema.PsDfs, *rest: Any) -> None:  # noqa: ANN401
        """See `Searcher`."""
        super().__init__(config, *rest)
        second = config.model_copy(update={"evaluations": config.path_evaluations})
        self._ps, self._dfs = CmaEs(config, *rest), _Paths(second, *rest)
        self._ps.name = "ps_dfs.ps"

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return self._ps.steps + self._dfs.steps - 1

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = self._ps.start(founders)
        return replace(state, memory={"phase": "ps", "search": state.memory})

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`."""
        return self._search(state).ask(_inner(state), known)

    def due(self, state: State) -> int:
        """See `Strategy.due`."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: when the first search is over, the best of all it made goes on."""
        told = self._search(state).tell(_inner(state), born, known)
        memory = {"phase": state.memory["phase"], "search": told.memory}
        if memory["phase"] == "ps" and self._ps.ask(told, known) is None:
            best = ids(self.ranked([*told.members, *self.models], known))[0]
            founders = ids(self.ranked(self.models, known))
            merges = [name for name in told.members if name not in self.models]
            first = merges[0] if merges else best
            memory = {"phase": "dfs", "search": {"told": [], "models": [first, *founders]}}
        return replace(told, memory=memory, references=_references(memory, told))

    def _search(self, state: State) -> CmaEs | Dfs:
        return self._ps if state.memory["phase"] == "ps" else self._dfs


def _inner(state: State) -> State:
    return replace(state, memory=state.memory["search"])


def _references(memory: Any, state: State) -> tuple[str, ...]:  # noqa: ANN401
    """The merge that paths go through may leave the population, and is needed to the end."""
    first = memory["search"].get("models", [])[:1]
    return tuple(name for name in first if name not in state.members)
