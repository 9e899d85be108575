"""Section of the search for a path through the founders' blocks."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from speciate.configs.strategies.cma_es import Sampling
from speciate.configs.strategies.common import Range, Search


class Path(Search):
    """What a path may be."""

    models_only: ClassVar[bool] = True

    blocks: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Of each founder, and of all children; found, and not to be given."
    )
    repeats: Annotated[int, Field(ge=1)] = Field(
        1, description="How often a block may be on the path, in passes from bottom to top."
    )
    scales: Range = Field(
        (0.7, 1.4),
        description="Range of the factor where the path goes from one model to another or leaves "
        "the order; [1, 1] for none.",
    )

    @field_validator("scales")
    @classmethod
    def _positive(cls, scales: Range) -> Range:
        low, high = scales
        if not 0 < low <= high or low == high != 1:
            raise ValueError(f"[{low:g}, {high:g}] is not [low, high] above 0")
        return scales

    @property
    def scaled(self) -> bool:
        """Whether factors are searched."""
        return self.scales[0] < self.scales[1]


class Dfs(Path, Sampling):
    """Data-flow space: CMA-ES over which founder's blocks the hidden state passes, and scales."""

    type: Literal["dfs"]
    paper: ClassVar[str] = "arXiv 2403.13187"
    unused: ClassVar[tuple[str, ...]] = ("crossover",)

    @model_validator(mode="after")
    def _merges_nothing(self) -> "Dfs":
        if self.crossover != Search.model_fields["crossover"].default:
            raise ValueError("dfs takes blocks as they are, so leave out crossover; or use ps_dfs")
        return self
