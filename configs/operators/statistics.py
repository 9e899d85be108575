"""Parameters of the operators that use statistics of the models besides their weights."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from speciate.configs.operators.common import (
    Density,
    Fraction,
    NonNegative,
    Parameters,
    Schedule,
    Weight,
)

Shares: TypeAlias = tuple[Schedule[NonNegative], ...] | None
Count = Annotated[int, Field(ge=0)]


class Fisher(Parameters):
    """Average in which each element counts as much as its model's Fisher information of it."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    weights: Shares = Field(
        None, description="One a model, scaled to sum to 1; equal if not given."
    )
    floor: NonNegative = Field(
        1e-6, description="Least Fisher information, in units of the tensor's mean over all models."
    )
    favor: Count | None = Field(
        None, description="Only this model, from 0, gets the floor: it wins where none is informed."
    )
    normalize: bool = Field(
        False, description="Divide each model's Fisher information by its norm over the model."
    )


class RegMean(Parameters):
    """Linear layers that best reproduce, by least squares, what each model makes of its inputs."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    weights: Shares = Field(
        None, description="One a model, scaled to sum to 1; equal if not given."
    )
    off_diagonal: Fraction = Field(
        0.9, description="Alpha, factor of the off-diagonal elements of the Gram matrices."
    )
    jitter: NonNegative = Field(
        1e-6, description="Added to the diagonal, in units of its mean; pulls to the plain mean."
    )


class Mats(Parameters):
    """Solve the models' matching equations by conjugate gradients from an initial merge."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    needs_base: ClassVar[bool] = False

    weights: Shares = Field(
        None, description="One a model, scaled to sum to 1; equal if not given."
    )
    form: Literal["gram", "diagonal", "kfac"] = Field(
        "gram",
        description="Statistics used: Gram matrices of inputs, diagonal Fisher, or Gram matrices "
        "of inputs and of gradients of outputs.",
    )
    init: Literal["mean", "base", "task_arithmetic"] = Field(
        "mean", description="Where to start; the last two need a base."
    )
    scale: Weight = Field(1.0, description="Lambda of the initial merge by task arithmetic.")
    off_diagonal: Fraction = Field(
        0.9, description="Factor of the off-diagonal elements of the Gram matrices."
    )
    max_iterations: Annotated[int, Field(ge=0, le=10000)] = Field(
        100, description="Most steps; fewer stay nearer to the initial merge."
    )
    tolerance: Fraction = Field(
        1e-8, description="Stop when the residual is this fraction of the initial one."
    )


class Ota(Parameters):
    """Task vectors averaged by the curvature that Adam saw, after grafting what mattered."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    needs_base: ClassVar[bool] = True

    weights: Shares = Field(
        None, description="One a model, factor of its curvature; 1 if not given."
    )
    density: Density = Field(
        0.4, description="Fraction of each task vector kept, by v tau^2 within the tensor."
    )
    threshold: NonNegative | None = Field(
        None, description="Keep where v tau^2 is at least this, whatever the density."
    )
    epsilon: NonNegative = Field(1e-8, description="Added to the square root of v.")
    normalize: bool = Field(
        False, description="Divide the square root of v by its mean over the tensor, per model."
    )
    empty: Literal["base", "mean"] = Field(
        "base", description="What stands where no model has weight: the base or the plain mean."
    )


class Rcp(Parameters):
    """Domain task vector added to a reasoning model where votes say that reasoning stays whole."""

    needs_base: ClassVar[bool] = True
    models: ClassVar[Literal["any", "two", "none"]] = "none"

    scale: Schedule[Weight] = Field(1.0, description="Factor of the domain's task vector.")


PARAMETERS: dict[str, type[Parameters]] = {
    "fisher": Fisher,
    "regmean": RegMean,
    "mats": Mats,
    "ota": Ota,
    "rcp": Rcp,
}
