"""Strategies: what to breed next, and who lives. One a file; `STRATEGIES` names them all.

A strategy keeps nothing itself. All it knows is the state that it returns, which is archived after
every step, and random numbers come from streams keyed by the campaign's seed and the step. So a
campaign can be taken up again anywhere and goes on as if it had never stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from speciate.population.strategies.archipelago import Archipelago
from speciate.population.strategies.best_of import BestOf
from speciate.population.strategies.cma_es import CmaEs
from speciate.population.strategies.cycle_qd import CycleQd
from speciate.population.strategies.darwin import Darwin
from speciate.population.strategies.dfs import Dfs
from speciate.population.strategies.frank_wolfe import FrankWolfe
from speciate.population.strategies.genome import Genome
from speciate.population.strategies.genome_plus import GenomePlus
from speciate.population.strategies.greedy_soup import GreedySoup
from speciate.population.strategies.kinship import Kinship
from speciate.population.strategies.m2n2 import M2n2
from speciate.population.strategies.map_elites import MapElites
from speciate.population.strategies.mate_choice import MateChoice
from speciate.population.strategies.mixture import Mixture
from speciate.population.strategies.novelty import Novelty
from speciate.population.strategies.nsga2 import Nsga2
from speciate.population.strategies.power_law import PowerLaw
from speciate.population.strategies.ps_dfs import PsDfs
from speciate.population.strategies.random import Random
from speciate.population.strategies.steady_state import SteadyState
from speciate.population.strategies.surrogate import Surrogate
from speciate.records import Individual, Proposal, State


class Strategy(Protocol):
    """Ask and tell, as functions of the state."""

    @property
    def steps(self) -> int:
        """How many steps the campaign will have, step 0 included."""

    def start(self, founders: Sequence[Individual]) -> State:
        """The state after step 0, in which the founders were evaluated."""

    def ask(self, state: State, known: Mapping[str, Individual]) -> tuple[Proposal, ...] | None:
        """What to breed besides what is pending, perhaps nothing; None when the campaign is over.

        Called before each step, and never with other results than those that the state was told
        of, however fast others came in. Proposals may name pending ones, or earlier ones of the
        same call, as parents.
        """

    def due(self, state: State) -> int:
        """How many of the oldest pending proposals the next step is to be told of."""

    def tell(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> State:
        """The state after the step in which `born`, failed ones among them, were evaluated.

        Args:
            state: The one that was asked with, `born` no longer pending in it.
            born: In the order in which they were proposed.
            known: Everyone ever evaluated, `born` included.
        """


# Each is called with (config, seed, base id or None, ids of the founders to breed from, goals).
STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "genome": Genome,
    "genome_plus": GenomePlus,
    "steady_state": SteadyState,
    "nsga2": Nsga2,
    "kinship": Kinship,
    "random": Random,
    "best_of": BestOf,
    "greedy_soup": GreedySoup,
    "m2n2": M2n2,
    "map_elites": MapElites,
    "cycle_qd": CycleQd,
    "cma_es": CmaEs,
    "dfs": Dfs,
    "ps_dfs": PsDfs,
    "darwin": Darwin,
    "power_law": PowerLaw,
    "archipelago": Archipelago,
    "novelty": Novelty,
    "mate_choice": MateChoice,
    "frank_wolfe": FrankWolfe,
    "surrogate": Surrogate,
    "mixture": Mixture,
}

NEED_KIN = frozenset({"kinship"})
"""Those that are given a `Kin` besides: it tells them how akin individuals are."""
