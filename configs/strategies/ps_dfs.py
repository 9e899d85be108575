"""Section of parameter space and then data-flow space."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.strategies.cma_es import CmaEs
from speciate.configs.strategies.dfs import Path


class PsDfs(Path, CmaEs):
    """CMA-ES on weights, then on paths through the founders and the best merge found."""

    type: Literal["ps_dfs"]  # type: ignore[assignment]
    paper: ClassVar[str] = "arXiv 2403.13187"

    path_evaluations: Annotated[int, Field(ge=1)] = Field(
        200, description="Children of the second search; `evaluations` are those of the first."
    )
