"""Strategies: what to breed next, and who lives. One a file; `STRATEGIES` names them all.

A strategy keeps nothing itself. All it knows is the state that it returns, which is archived after
every step, and random numbers come from streams keyed by the campaign's seed and the step. So a
campaign can be taken up again anywhere and goes on as if it had never stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from speciate.population.strategies.genome import Genome
from speciate.population.strategies.genome_plus import GenomePlus
from speciate.records import Individual, Proposal, State


class Strategy(Protocol):
    """Ask and tell, as functions of the state."""

    @property
    def steps(self) -> int:
        """How many steps the campaign will have, step 0 included."""

    def start(self, founders: Sequence[Individual]) -> State:
        """The state after step 0, in which the founders were evaluated."""

    def ask(self, state: State, known: Mapping[str, Individual]) -> tuple[Proposal, ...] | None:
        """What to breed in the next step, perhaps nothing; None when the campaign is over.

        Proposals may name earlier ones of the same step as parents.
        """

    def tell(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> State:
        """The state after the step in which `born`, failed ones among them, were evaluated.

        Args:
            state: The one that was asked with.
            born: In the order in which they were proposed.
            known: Everyone ever evaluated, `born` included.
        """


# Each is called with (config, seed, base id or None, ids of the founders to breed from).
STRATEGIES: dict[str, Callable[[Any, int, str | None, Sequence[str]], Strategy]] = {
    "genome": Genome,
    "genome_plus": GenomePlus,
}
