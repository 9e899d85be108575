"""Sections of a campaign's strategy: one a file, named as in `type`."""

from typing import Annotated, get_args

from pydantic import Field

from speciate.configs.strategies.archipelago import Archipelago as Archipelago
from speciate.configs.strategies.best_of import BestOf as BestOf
from speciate.configs.strategies.cma_es import CmaEs as CmaEs
from speciate.configs.strategies.cma_es import Sampling as Sampling
from speciate.configs.strategies.common import Breeding as Breeding
from speciate.configs.strategies.common import Crossover as Crossover
from speciate.configs.strategies.common import Offspring as Offspring
from speciate.configs.strategies.common import Search as Search
from speciate.configs.strategies.common import Windowed as Windowed
from speciate.configs.strategies.common import WindowedBreeding as WindowedBreeding
from speciate.configs.strategies.cycle_qd import CycleQd as CycleQd
from speciate.configs.strategies.darwin import Darwin as Darwin
from speciate.configs.strategies.dfs import Dfs as Dfs
from speciate.configs.strategies.frank_wolfe import FrankWolfe as FrankWolfe
from speciate.configs.strategies.genome import Genome as Genome
from speciate.configs.strategies.genome_plus import GenomePlus as GenomePlus
from speciate.configs.strategies.greedy_soup import GreedySoup as GreedySoup
from speciate.configs.strategies.kinship import Kinship as Kinship
from speciate.configs.strategies.m2n2 import M2n2 as M2n2
from speciate.configs.strategies.map_elites import MapElites as MapElites
from speciate.configs.strategies.mate_choice import MateChoice as MateChoice
from speciate.configs.strategies.mixture import Mixture as Mixture
from speciate.configs.strategies.novelty import Novelty as Novelty
from speciate.configs.strategies.nsga2 import Nsga2 as Nsga2
from speciate.configs.strategies.power_law import PowerLaw as PowerLaw
from speciate.configs.strategies.ps_dfs import PsDfs as PsDfs
from speciate.configs.strategies.random import Random as Random
from speciate.configs.strategies.steady_state import Estimate as Estimate
from speciate.configs.strategies.steady_state import Race as Race
from speciate.configs.strategies.steady_state import SteadyState as SteadyState
from speciate.configs.strategies.surrogate import Surrogate as Surrogate

Strategy = Annotated[
    Genome
    | GenomePlus
    | SteadyState
    | Nsga2
    | Kinship
    | Random
    | BestOf
    | GreedySoup
    | M2n2
    | MapElites
    | CycleQd
    | CmaEs
    | Dfs
    | PsDfs
    | Darwin
    | PowerLaw
    | Archipelago
    | Novelty
    | MateChoice
    | FrankWolfe
    | Surrogate
    | Mixture,
    Field(discriminator="type"),
]

# Of each type.
SECTIONS: dict[str, type[Search]] = {
    get_args(section.model_fields["type"].annotation)[0]: section
    for section in get_args(get_args(Strategy)[0])
}
