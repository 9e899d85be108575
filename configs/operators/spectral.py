"""Parameters of the operators that work on the singular vectors of whole matrices."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import (
    Density,
    Fraction,
    NonNegative,
    Parameters,
    Schedule,
    Weight,
    Weights,
)


class Scaled(Parameters):
    """What all operators of the family have: a base and a scale."""

    needs_base: ClassVar[bool] = True
    scale: Schedule[Weight] = Field(1.0, description="Lambda, applied to the merged task vector.")


class Spectral(Scaled):
    """What operators share that need another rule for what is no matrix."""

    vectors: Literal["mean", "sum"] = Field(
        "mean", description="How task vectors of norms and biases are combined, by their weights."
    )
    embeddings: Literal["mean", "sum", "matrix"] = Field(
        "mean", description="How embeddings and heads are combined: as vectors, or as matrices."
    )


class IsoC(Spectral):
    """Sum of the task vectors with all its singular values made equal."""

    weights: Weights = Field(None, description="One a model; 1 if not given.")


class TsvM(IsoC):
    """Sum of the task vectors' leading singular components, made orthogonal to each other."""

    rank: Schedule[Density] | None = Field(
        None,
        description="Fraction of its singular components kept of each model; 1/N if not given.",
    )


class Wudi(Spectral):
    """Task vector that interferes least with each model on the inputs that it was trained for."""

    weights: tuple[Schedule[NonNegative], ...] | None = Field(
        None, description="One a model, factor of its interference; 1 if not given."
    )
    tolerance: Fraction = Field(
        1e-4,
        description="Directions with singular values up to this fraction of the largest keep the "
        "plain sum.",
    )


class Opcm(Scaled):
    """Add the models one after the other, each without what would disturb those before."""

    alpha: Schedule[Fraction] = Field(
        0.5, description="Share of the sum of the singular values whose directions are protected."
    )
    embeddings: Literal["sum", "matrix"] = Field(
        "sum", description="Whether embeddings and heads are added as they are, or as matrices."
    )


class Doge(Scaled):
    """Task vectors plus a common correction, learned from the weights, against their conflicts."""

    eta: NonNegative = Field(
        0.07, description="Norm that each task vector is scaled to, matrix by matrix."
    )
    units: Literal["weights", "task_vectors"] = Field(
        "weights",
        description="Unit of eta and learning_rate: that of the weights, or the mean norm of the "
        "task vectors of the matrix.",
    )
    steps: Annotated[int, Field(ge=0, le=100_000)] = Field(
        400, description="Of Adam; 0 learns no correction."
    )
    learning_rate: NonNegative = Field(1e-4, description="Of Adam.")
    subspace: Fraction = Field(
        1 / 6, description="Fraction of the left singular directions that is protected as shared."
    )
    orthogonal: bool = Field(
        True,
        description="Keep the correction out of the protected directions; false projects only "
        "gradients, which Adam bends.",
    )
    density: Schedule[Density] = Field(
        0.3, description="Fraction kept of each task vector, by its largest elements."
    )
    scope: Literal["model", "tensor"] = Field(
        "model", description="Where the largest elements are sought."
    )
    embeddings: Literal["sum", "matrix"] = Field(
        "sum", description="Whether embeddings and heads go uncorrected, or count as matrices."
    )


PARAMETERS: dict[str, type[Parameters]] = {
    "iso_c": IsoC,
    "tsv_m": TsvM,
    "wudi": Wudi,
    "opcm": Opcm,
    "doge": Doge,
}
