"""Section of M2N2."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import NonNegative
from speciate.configs.strategies.common import Crossover, Rate, WindowedBreeding

# The upper end is never drawn; a split at the very end would be none.
_SPLIT = Crossover(operator="split_point", parameters={"split": (0.0, 0.999999), "t": (0.0, 1.0)})


class M2n2(WindowedBreeding):
    """M2N2: members compete for items, and mate with who is good at what they are not."""

    type: Literal["m2n2"]
    paper: ClassVar[str] = "arXiv 2508.16204"

    population: Annotated[int, Field(ge=2)] = Field(20, description="P, living individuals.")
    founding: Literal["pairs", "all", "founders"] = Field(
        "founders", description="First children: as in genome; by default founders are bred from."
    )
    crossover_rate: Rate = Field(1.0, description="Probability that two parents are crossed.")
    crossover: tuple[Crossover, ...] = Field(
        (_SPLIT,), description="Operators; linear, without a split, is an ablation.", min_length=1
    )
    alpha: NonNegative = Field(
        1.0, description="How sharply members share an item's score; 0 is no competition."
    )
    attraction: bool = Field(
        True, description="Mates are drawn by what they add; if not, by shared fitness as well."
    )
