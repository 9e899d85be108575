"""Parameters of the operators that average models themselves, or their way from a base."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import (
    Density,
    NonNegative,
    Parameters,
    Positive,
    Schedule,
    Weight,
    Weights,
)

_EQUAL = "One a model, divided by their sum; equal if not given."


class Linear(Parameters):
    """Weighted average of the models."""

    weights: Weights = Field(None, description="One a model; equal if not given.")
    normalize: bool = Field(True, description="Divide by the sum of the weights.")


class Slerp(Parameters):
    """Spherical interpolation from the first model (t = 0) to the second (t = 1)."""

    models: ClassVar[Literal["any", "two", "none"]] = "two"
    share: ClassVar[Literal["weights", "t"] | None] = "t"
    t: Schedule[Weight] = Field(
        0.5, description="Place on the way from the first to the second model."
    )


class Nuslerp(Parameters):
    """Spherical interpolation of two models by weights, whole or by rows or columns."""

    models: ClassVar[Literal["any", "two", "none"]] = "two"
    weights: Weights = Field(None, description=_EQUAL)
    axis: Literal["tensor", "row", "column"] = Field(
        "tensor", description="What has a direction: each tensor, each row, or each column."
    )


class Multislerp(Parameters):
    """Mean length times the weighted mean direction of any number of models."""

    weights: Weights = Field(None, description="One a model; equal if not given.")
    normalize: bool = Field(True, description="Divide by the sum of the weights.")


class Karcher(Parameters):
    """Mean length times the direction of the least squared angles to any number of models."""

    weights: tuple[Schedule[NonNegative], ...] | None = Field(None, description=_EQUAL)
    max_iterations: Annotated[int, Field(ge=0)] = Field(
        100, description="Steps at most; 0 gives the direction that `multislerp` has."
    )
    tolerance: Positive = Field(1e-5, description="Radians: a shorter step is the last.")


class ModelStock(Parameters):
    """Between the base and the mean of the models, the nearer to these the more they agree."""

    needs_base: ClassVar[bool] = True
    scope: Literal["tensor", "row"] = Field(
        "tensor", description="Where agreement is measured: in each tensor, or in each row."
    )


class Sma(Parameters):
    """Simple moving average: the plain mean of checkpoints of one training run."""


class Ema(Parameters):
    """Exponential moving average of checkpoints of one training run, the oldest first."""

    alpha: Schedule[Density] = Field(
        0.2, description="Weight of each next checkpoint; 1 - alpha is the decay of what was."
    )


class Wma(Parameters):
    """Weighted moving average: checkpoints of one training run weigh 1, 2, 3, ... by age."""


class Nearswap(Parameters):
    """The base moved towards the model, but no element by more than `t`."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    needs_base: ClassVar[bool] = True
    t: Schedule[Positive] = Field(
        1e-4, description="Largest change of an element; nearer ones become the model's."
    )


class ArceeFusion(Parameters):
    """Take from the model the elements whose change matters far more than most."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    needs_base: ClassVar[bool] = True


class Ram(Parameters):
    """Mean of the changes that are not tiny: what one model alone changed is kept whole."""

    needs_base: ClassVar[bool] = True
    threshold: Schedule[NonNegative] = Field(
        1e-5, description="A task vector is active where its magnitude exceeds this."
    )


class RamPlus(Ram):
    """As RAM, and what one model alone changed grows with how much it shares elsewhere."""

    r: Schedule[NonNegative] = Field(0.1, description="Growth for each unit of shared to unique.")
    alpha: Schedule[NonNegative] = Field(
        0.2, description="Largest ratio of shared to unique elements that counts."
    )
    scope: Literal["model", "tensor"] = Field(
        "model", description="Where shared and unique elements are counted."
    )


PARAMETERS: dict[str, type[Parameters]] = {
    "linear": Linear,
    "slerp": Slerp,
    "nuslerp": Nuslerp,
    "multislerp": Multislerp,
    "karcher": Karcher,
    "model_stock": ModelStock,
    "sma": Sma,
    "ema": Ema,
    "wma": Wma,
    "nearswap": Nearswap,
    "arcee_fusion": ArceeFusion,
    "ram": Ram,
    "ram_plus": RamPlus,
}
