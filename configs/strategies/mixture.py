"""Section of a mixture of strategies."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from speciate.configs.strategies.common import Crossover, Rate, Search, Windowed
from speciate.configs.strategies.cycle_qd import CycleQd
from speciate.configs.strategies.darwin import Darwin
from speciate.configs.strategies.m2n2 import M2n2
from speciate.configs.strategies.map_elites import MapElites
from speciate.configs.strategies.mate_choice import MateChoice
from speciate.configs.strategies.novelty import Novelty
from speciate.configs.strategies.power_law import PowerLaw
from speciate.configs.strategies.random import Random
from speciate.configs.strategies.steady_state import SteadyState

Part = Annotated[
    SteadyState | M2n2 | MapElites | CycleQd | Darwin | PowerLaw | Novelty | MateChoice | Random,
    Field(discriminator="type"),
]


class Mixture(Windowed):
    """Several strategies at once: who has bred improvements gets more of the children."""

    type: Literal["mixture"]
    paper: ClassVar[str] = "Thierens, GECCO 2005 (adaptive pursuit and probability matching)"
    unused: ClassVar[tuple[str, ...]] = ("crossover",)

    parts: tuple[Part, ...] = Field(
        description="Strategies without generations; of theirs evaluations, lag and batch do not "
        "count.",
        min_length=2,
    )
    floor: Rate = Field(0.3, description="Share of the children that all parts have alike.")
    decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Of what a part gained, with each result of its own."
    )
    crossover: tuple[Crossover, ...] = Field(
        (), description="None: each part has its own.", max_length=0
    )

    @model_validator(mode="after")
    def _no_races(self) -> "Mixture":
        for part in self.parts:
            if isinstance(part, SteadyState) and (part.race or part.estimate):
                raise ValueError(
                    "children of a mixture are scored in full; leave out race and estimate"
                )
        return self

    @property
    def each(self) -> tuple[Search, ...]:
        """See `Search.each`."""
        return self.parts

    def adapted(self) -> Self:
        """See `Search.adapted`."""
        return self.model_copy(update={"parts": tuple(part.adapted() for part in self.parts)})
