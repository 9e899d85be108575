"""Parameters of the operators on task vectors."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from speciate.configs.operators.common import (
    Density,
    Fraction,
    NonNegative,
    Parameters,
    Schedule,
    Schedules,
    Weight,
    Weights,
)

Number = Annotated[int, Field(ge=0)]
Tail = Annotated[float, Field(ge=0, lt=0.5)]
Densities = Schedules[Density]


class OnBase(Parameters):
    """What is added to the base, times `scale`."""

    needs_base: ClassVar[bool] = True

    scale: Schedule[Weight] = Field(1.0, description="Lambda, applied to the merged task vector.")


class Weighted(OnBase):
    """Task vectors times their weights."""

    weights: Weights = Field(None, description="One a model; 1 if not given.")


class Elected(Weighted):
    """A sign is elected for each element, and what agrees with it is merged."""

    merge: Literal["mean", "sum", "max"] = Field(
        "mean", description="What is made of the elements that agree; max is the largest of them."
    )
    majority: Literal["vote", "positive"] = Field(
        "vote",
        description="Sign elected where a sum is 0: that of most other sums, or + as in mergekit.",
    )


class TaskArithmetic(Weighted):
    """The base plus `scale` times the weighted sum of the task vectors."""

    normalize: bool = Field(False, description="Divide by the sum of the weights.")


class Ties(Elected):
    """Trim, elect a sign per element, average what agrees with it."""

    density: Densities = Field(0.2, description="Fraction of each task vector that is kept.")
    scope: Literal["model", "tensor", "row"] = Field(
        "model", description="Where the largest elements are sought: authors' model, or smaller."
    )


class Dropped(Weighted):
    """Task vectors of which elements are dropped at random."""

    density: Densities = Field(0.5, description="Probability that an element is kept (1 - p).")
    rescale: Literal["inverse", "l1", "none"] = Field(
        "inverse",
        description="Factor of what is kept: 1 / probability, which keeps the mean; or one that "
        "keeps the tensor's L1 norm, as in mergekit; or none.",
    )


class DareLinear(Dropped, TaskArithmetic):
    """Drop elements of the task vectors at random, rescale the rest, add."""


class DareTies(Dropped, Elected):
    """Drop at random and rescale as DARE, then elect signs and average as TIES."""


class Ranked(Dropped):
    """Task vectors of which small elements are dropped more often than large ones."""

    epsilon: Schedule[NonNegative] = Field(
        0.1,
        description="Half the window of probabilities: density - epsilon for the smallest of a "
        "row, density + epsilon for the largest.",
    )


class DellaLinear(Ranked, DareLinear):
    """Drop small elements of each row more often than large ones, rescale the rest, add."""


class Della(Ranked, DareTies):
    """Drop small elements of each row more often, rescale, then elect signs and average."""


class Crumbs(Weighted):
    """Task vectors without their largest and their smallest elements."""

    density: Densities = Field(0.15, description="Beta, fraction of each task vector kept.")
    gamma: Schedule[Fraction] = Field(
        0.01, description="Fraction dropped from the top: the largest elements."
    )
    scope: Literal["tensor", "row"] = Field(
        "row", description="Where the largest are sought: authors' row, or mergekit's tensor."
    )


class Breadcrumbs(Crumbs, TaskArithmetic):
    """Drop the largest and the smallest elements of the task vectors, add the rest."""


class BreadcrumbsTies(Crumbs, Elected):
    """Drop the largest and smallest elements, then elect signs and average as TIES."""


class MagMax(Weighted):
    """Of all task vectors, each element of the largest magnitude."""


class Sce(OnBase):
    """Select elements that vary, weigh models by their energy, erase the minority's signs."""

    select_topk: Density = Field(
        1.0, description="Fraction of the elements with any variance that is selected."
    )
    merge: Literal["selected", "all"] = Field(
        "selected",
        description="Elements merged: those selected, or all (the selection then only weighs).",
    )
    majority: Literal["vote", "positive"] = Field(
        "vote",
        description="Sign elected where a sum is 0: that of most other sums, or + as in mergekit.",
    )


class Pcb(Weighted):
    """Average in which each element counts by how large it is and how the others support it."""

    ratio: Density = Field(0.1, description="Fraction of the elements kept, by their balance.")
    clamp: Tail = Field(
        0.0001, description="Quantile, from either end, to which magnitudes are clamped."
    )
    support: Literal["normalized", "raw"] = Field(
        "normalized",
        description="Products compared between models: of magnitudes scaled to 0 .. 1, or of the "
        "task vectors as they are, which depends on their scale.",
    )
    scope: Literal["model", "tensor"] = Field(
        "model", description="Where quantiles and ranges are taken."
    )


class Localized(Weighted):
    """Masks of the elements of the sum of the task vectors that serve each task."""

    threshold: Schedules[NonNegative] = Field(
        0.4,
        description="Lambda: an element serves a task if its own vector exceeds this times the "
        "rest of the sum.",
    )


class TallMask(Localized):
    """The sum of the task vectors where it serves one task, chosen by its mask."""

    task: Number = Field(0, description="Number of the model that is localised, from 0.")


class Consensus(Localized):
    """The sum of the task vectors where it serves at least `votes` of the tasks."""

    votes: Number = Field(2, description="k, tasks that an element must serve; 0 keeps all.")


class Lines(Parameters):
    """Task arithmetic with a scale that grows linearly from the first block to the last."""

    needs_base: ClassVar[bool] = True

    weights: Weights = Field(None, description="One a model; 1 if not given.")
    alpha: Weight | None = Field(
        None, description="Scale of the first block; 1 / number of models if not given."
    )
    beta: Weight | None = Field(
        None, description="Added to it until the last block; 1 - alpha if not given."
    )
    before: Weight | None = Field(
        None, description="Scale before the blocks (embeddings); alpha if not given."
    )
    after: Weight | None = Field(
        None, description="Scale after the blocks (norm, head); alpha if not given."
    )


class ComPeft(TaskArithmetic):
    """Task vectors reduced to the signs of their largest elements times one number, added."""

    density: Schedules[Density] = Field(
        0.2, description="Fraction of each task vector that is kept."
    )


class Emr(OnBase):
    """Elected signs times the largest magnitudes that agree; or one task's share of them."""

    task: Number | None = Field(
        None, description="Number of the model whose mask and rescale are applied, from 0."
    )


class Widen(OnBase):
    """Add task vectors column by column, as much as each changed lengths and directions."""

    threshold: NonNegative = Field(
        1.0, description="t, columns that rank above this times the mean are salient."
    )
    salient: NonNegative = Field(1.0, description="s, score of a salient column.")


PARAMETERS: dict[str, type[Parameters]] = {
    "task_arithmetic": TaskArithmetic,
    "ties": Ties,
    "dare_linear": DareLinear,
    "dare_ties": DareTies,
    "della_linear": DellaLinear,
    "della": Della,
    "breadcrumbs": Breadcrumbs,
    "breadcrumbs_ties": BreadcrumbsTies,
    "magmax": MagMax,
    "sce": Sce,
    "pcb": Pcb,
    "tall_mask": TallMask,
    "consensus": Consensus,
    "lines": Lines,
    "compeft": ComPeft,
    "emr": Emr,
    "widen": Widen,
}
