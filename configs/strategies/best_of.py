"""Section of best-of-N."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.strategies.common import Crossover, Windowed


def _named(*operators: str) -> tuple[Crossover, ...]:
    return tuple(Crossover(operator=name) for name in operators)


# What people try first, each as its authors set it.
SHIPPED = _named(
    *("linear", "slerp", "task_arithmetic", "ties", "dare_linear", "dare_ties", "della"),
    *("breadcrumbs", "model_stock", "karcher", "sce", "magmax"),
)
FOR_ADAPTERS = (
    Crossover(operator="lora_svd"),
    Crossover(operator="lora_svd", parameters={"consensus": "ties", "density": 0.2}),
    *_named("knots", "robust_merge", "lora_lego"),
)


class BestOf(Windowed):
    """Every shipped recipe with its defaults, over ever fewer founders: the best of N is taken."""

    type: Literal["best_of"]
    paper: ClassVar[str] = ""
    for_adapters: ClassVar[tuple[Crossover, ...]] = FOR_ADAPTERS

    evaluations: Annotated[int, Field(ge=1)] = Field(
        50, description="N at most; there may be fewer different recipes."
    )
    crossover: tuple[Crossover, ...] = Field(
        (), description="Operators to try, in order; the shipped ones that suit if none are named."
    )
