"""Parameters of the operators on LoRA adapters."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import Density, Fraction, NonNegative, Parameters, Weight

Rank = Annotated[int, Field(ge=1)]


class Weighted(Parameters):
    """Base of those that weigh the adapters."""

    weights: tuple[Weight, ...] | None = Field(
        None, description="One an adapter; equal if not given."
    )
    normalize: bool = Field(True, description="Divide by the sum of the weights.")


class LoraSvd(Weighted):
    """Add the products of the factors and cut the sum back to a rank: the safe default."""

    rank: Rank | None = Field(
        None, description="Of the child; the largest of the parents' if not given."
    )
    scale: Weight = Field(1.0, description="Lambda, applied to the merged update.")
    consensus: Literal["none", "ties"] = Field(
        "none", description="ties: elect a sign per element and average what agrees with it."
    )
    density: Density = Field(
        1.0, description="Fraction of each update that is kept, module by module."
    )


class LoraLinear(Weighted):
    """Average the factors A and B apart; not the average of the updates."""


class LoraCat(Weighted):
    """Put the factors side by side: the exact weighted sum, at the sum of the ranks."""

    # In a campaign ranks would add up from generation to generation.
    models: ClassVar[Literal["any", "two", "none"]] = "none"


class RobustMerge(Parameters):
    """Keep the largest elements of the factors and make up for what each row of A lost."""

    density: Density = Field(0.2, description="Fraction of each factor that is kept.")
    floor: Fraction = Field(
        0.8, description="Quantile of a module's row scales that smaller ones are lifted to."
    )
    scale: Weight = Field(2.0, description="Multiplies both factors, so the update twice.")


class Knots(Weighted):
    """Align the updates in one basis of singular vectors and merge them there."""

    rank: Rank | None = Field(
        None, description="Of the child; the largest of the parents' if not given."
    )
    scale: Weight = Field(1.0, description="Lambda, applied to the merged update.")
    consensus: Literal["none", "ties"] = Field(
        "ties", description="How the aligned parts are merged: by TIES, or by their mean."
    )
    density: Density = Field(0.2, description="Fraction of each aligned part that is kept.")


class LoraLego(Parameters):
    """Cluster the rank-one units of all adapters and keep one unit a cluster."""

    rank: Rank | None = Field(
        None, description="Number of clusters; the largest of the parents' ranks if not given."
    )
    norm_restore: bool = Field(
        True, description="Give each centroid the mean norm of its cluster's units."
    )
    output_scale: Weight = Field(
        1.0, description="Multiplies the update; the authors' value could not be confirmed."
    )


class LoraCompeft(Parameters):
    """Keep the signs of one adapter's largest elements, and one number for their size."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    density: Density = Field(0.2, description="Fraction of all elements of all factors kept.")
    alpha: Weight = Field(1.0, description="Size of what is kept, in standard deviations.")


class LoraGaussian(Parameters):
    """Normal noise on a random part of the elements of one adapter's balanced factors."""

    models: ClassVar[Literal["any", "two", "none"]] = "none"
    sigma: NonNegative = Field(0.01, description="Standard deviation, in units of the factors.")
    density: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="Probability that an element is moved."
    )


PARAMETERS: dict[str, type[Parameters]] = {
    "lora_svd": LoraSvd,
    "lora_linear": LoraLinear,
    "lora_cat": LoraCat,
    "robust_merge": RobustMerge,
    "knots": Knots,
    "lora_lego": LoraLego,
    "lora_compeft": LoraCompeft,
    "lora_gaussian": LoraGaussian,
}
