"""Parameters of the operators, one model an operator: what a recipe or a campaign may say of each.

Kept apart from the operators themselves so that a config is checked without importing torch.
"""

from typing import Annotated, Literal

from pydantic import Field

from speciate.configs.section import Section

Density = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Parameters(Section):
    """Base of all parameter models."""


class Linear(Parameters):
    """Weighted average of the models."""

    weights: tuple[Weight, ...] | None = Field(None, description="One a model; equal if not given.")
    normalize: bool = Field(True, description="Divide by the sum of the weights.")


class Slerp(Parameters):
    """Spherical interpolation from the first model (t = 0) to the second (t = 1)."""

    t: Weight = Field(0.5, description="Place on the way from the first to the second model.")


class ByModule(Parameters):
    """A number for each kind of module; `other` is for tensors of no known kind."""

    embedding: Weight = 1.0
    attention: Weight = 1.0
    mlp: Weight = 1.0
    norm: Weight = 1.0
    head: Weight = 1.0
    other: Weight = 1.0


class TaskArithmetic(Parameters):
    """The base plus `scale` times the weighted sum of the task vectors."""

    weights: tuple[Weight, ...] | None = Field(None, description="One a model; 1 if not given.")
    scale: Weight | ByModule = Field(
        1.0, description="Lambda, applied to the sum: one number, or one a kind of module."
    )


class Ties(TaskArithmetic):
    """Trim, elect a sign per element, average what agrees with it."""

    density: Density = Field(0.2, description="Fraction of each task vector that is kept.")
    scope: Literal["model", "tensor", "row"] = Field(
        "model", description="Where the largest elements are sought: authors' model, or smaller."
    )


class DareLinear(TaskArithmetic):
    """Drop elements of the task vectors at random, rescale the rest, add."""

    density: Density = Field(0.5, description="Probability that an element is kept (1 - p).")


class DareTies(DareLinear):
    """Drop at random and rescale as DARE, then elect signs and average as TIES."""


class Gaussian(Parameters):
    """Normal noise on a random part of the elements of one parent."""

    sigma: NonNegative = Field(0.01, description="Standard deviation, in units of the weights.")
    density: Density = Field(0.01, description="Probability that an element is moved.")


class Succession(Parameters):
    """A particle-swarm step of one individual (GENOME+)."""

    inertia: NonNegative = Field(description="r0 phi0, pull along the last move.")
    cognitive: NonNegative = Field(description="r1 phi1, pull to the personal best.")
    social: NonNegative = Field(description="r2 phi2, pull to the best ever seen.")
    repulsion: NonNegative = Field(description="r3 phi3, push from the worst ever seen.")
    step: Weight = Field(description="Lambda, length of the move in velocities.")
    inertia_step: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Lambda of the last move: divides it to give the last velocity."
    )


# Operators on task vectors, which start from a base.
WITH_BASE = frozenset({"task_arithmetic", "ties", "dare_linear", "dare_ties"})

OPERATOR_PARAMETERS: dict[str, type[Parameters]] = {
    "linear": Linear,
    "slerp": Slerp,
    "task_arithmetic": TaskArithmetic,
    "ties": Ties,
    "dare_linear": DareLinear,
    "dare_ties": DareTies,
    "gaussian": Gaussian,
    "succession": Succession,
}
