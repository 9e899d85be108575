"""Sections of a campaign's strategy: one a file, named as in `type`."""

from typing import Annotated

from pydantic import Field

from speciate.configs.strategies.common import Breeding as Breeding
from speciate.configs.strategies.common import Crossover as Crossover
from speciate.configs.strategies.genome import Genome as Genome
from speciate.configs.strategies.genome_plus import GenomePlus as GenomePlus
from speciate.configs.strategies.kinship import Kinship as Kinship
from speciate.configs.strategies.nsga2 import Nsga2 as Nsga2
from speciate.configs.strategies.steady_state import Estimate as Estimate
from speciate.configs.strategies.steady_state import Race as Race
from speciate.configs.strategies.steady_state import SteadyState as SteadyState

Strategy = Annotated[
    Genome | GenomePlus | SteadyState | Nsga2 | Kinship, Field(discriminator="type")
]
