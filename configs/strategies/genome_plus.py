"""Section of GENOME+."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import NonNegative
from speciate.configs.strategies.common import Rate
from speciate.configs.strategies.genome import Genome


class GenomePlus(Genome):
    """GENOME+: selection by roulette, and succession (a particle-swarm step on weights)."""

    type: Literal["genome_plus"]  # type: ignore[assignment]
    paper: ClassVar[str] = "arXiv 2503.01155"
    generations: Annotated[int, Field(ge=1)] = Field(10, description="Rounds of breeding.")
    crossover_rate: Rate = Field(0.3, description="Probability of each of the N/2 trials.")
    mutation_rate: Rate = Field(0.3, description="Probability that an individual has a mutant.")
    gene_rate: Rate = Field(0.1, description="Fraction of a mutant's elements that is moved.")
    sigma: NonNegative = Field(0.001, description="Of the noise, in weights.")
    elite: Rate = Field(0.1, description="Fraction of N that survives by rank alone.")
    succession: bool = Field(
        True, description="Survivors move after each selection; if not, children are all there is."
    )
    inertia: Rate = Field(0.2, description="phi0, pull along the last move.")
    cognitive: Rate = Field(0.2, description="phi1, pull to the individual's own best.")
    social: Rate = Field(0.2, description="phi2, pull to the best ever seen.")
    repulsion: Rate = Field(0.1, description="phi3, push from the worst ever seen.")
    step: Annotated[float, Field(gt=0)] = Field(0.5, description="lambda, length of a move.")
    step_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Factor of lambda after each succession."
    )
