"""Section of GENOME."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.strategies.common import Breeding, Rate


class Genome(Breeding):
    """GENOME: crossover, mutation and selection by tournament."""

    type: Literal["genome"]
    paper: ClassVar[str] = "arXiv 2503.01155"
    generations: Annotated[int, Field(ge=1)] = Field(50, description="Rounds of breeding.")
    crossover_rate: Rate = Field(0.8, description="Probability of each of the N/2 trials.")
    mutation_rate: Rate = Field(0.15, description="Probability that an individual has a mutant.")
    elite: Rate = Field(0.02, description="Fraction of N that survives by rank alone.")
