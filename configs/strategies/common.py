"""What sections of strategies share."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from speciate.configs.operators import ADAPTER_CROSSOVERS, CROSSOVERS
from speciate.configs.operators.common import NonNegative, Positive
from speciate.configs.section import Section, nearest
from speciate.configs.tasks import Name

Rate = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]
Drawn = float | bool | str | Range


ALL_CROSSOVERS = {**CROSSOVERS, **ADAPTER_CROSSOVERS}


def _end_of(key: str, value: Any, end: int) -> Any:  # noqa: ANN401
    """A parameter with the lower (0) or upper (1) ends of all its ranges."""
    if isinstance(value, dict):
        return {name: _end_of(name, part, end) for name, part in value.items()}
    if not isinstance(value, tuple):
        return value
    if value[0] > value[1]:
        raise ValueError(f"'{key}' must be [low, high], not [{value[0]:g}, {value[1]:g}]")
    return value[end]


class Crossover(Section):
    """One operator that crossover may use, and how its parameters are drawn."""

    operator: str = Field("linear", description="Name of an operator that merges models.")
    share: Positive = Field(1.0, description="Weight of this operator among those listed.")
    parameters: dict[str, Drawn | dict[str, Drawn]] = Field(
        {}, description="Fixed values, or [low, high] to draw from uniformly; also in tables."
    )

    @field_validator("operator")
    @classmethod
    def _can_cross(cls, operator: str) -> str:
        if operator not in ALL_CROSSOVERS:
            hint = nearest(operator, list(ALL_CROSSOVERS))
            raise ValueError(f"unknown value '{operator}'; {hint}")
        return operator

    @field_validator("parameters")
    @classmethod
    def _accepted(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        model = ALL_CROSSOVERS.get(info.data.get("operator", ""))
        if model is None:
            return parameters
        # How much of each parent there is comes from the strategy.
        known = [name for name in model.model_fields if name != model.share]
        for key in parameters:
            if key not in known:
                raise ValueError(f"unknown parameter '{key}'; {nearest(key, known)}")
        if isinstance(parameters.get("rank"), tuple):
            raise ValueError("'rank' must be one whole number, not a range")
        for end in (0, 1):
            model.model_validate({k: _end_of(k, value, end) for k, value in parameters.items()})
        return parameters


class Search(Section):
    """What all strategies have.

    Attributes:
        paper: Where it comes from.
        needs_base: Whether there must be a common ancestor.
        models_only: Whether it cannot breed adapters.
        open_to_agents: Whether proposals of others may take the places of its own.
        for_adapters: Crossovers where the founders are adapters, and the campaign names none.
        naming_tasks: Keys whose values name tasks.
        unused: Keys that mean nothing here.
    """

    paper: ClassVar[str] = ""
    needs_base: ClassVar[bool] = False
    models_only: ClassVar[bool] = False
    open_to_agents: ClassVar[bool] = True
    for_adapters: ClassVar[tuple[Crossover, ...]] = (Crossover(operator="lora_svd"),)
    naming_tasks: ClassVar[tuple[str, ...]] = ("objectives", "behaviours", "qualities")
    unused: ClassVar[tuple[str, ...]] = ()

    population: Annotated[int, Field(ge=2)] = Field(10, description="N, living individuals.")
    crossover: tuple[Crossover, ...] = Field(
        (Crossover(),), description="Operators that merge.", min_length=1
    )

    @property
    def each(self) -> "tuple[Search, ...]":
        """Itself, or the strategies that it consists of."""
        return (self,)

    @property
    def crossovers(self) -> tuple[Crossover, ...]:
        """All operators that merge."""
        return tuple(one for part in self.each for one in part.crossover)

    @property
    def of_adapters(self) -> bool:
        """Whether adapters are bred, and not models."""
        return any(one.operator in ADAPTER_CROSSOVERS for one in self.crossovers)

    def adapted(self) -> Self:
        """The section where founders are adapters: crossovers that nobody named are for them."""
        if "crossover" in self.model_fields_set:
            return self
        return self.model_copy(update={"crossover": self.for_adapters})

    @model_validator(mode="after")
    def _one_kind(self) -> "Search":
        names = [crossover.operator for crossover in self.crossovers]
        adapters = [name for name in names if name in ADAPTER_CROSSOVERS]
        models = [name for name in names if name in CROSSOVERS]
        if adapters and models:
            raise ValueError(f"{adapters[0]} merges adapters and {models[0]} models; use one kind")
        return self


class Offspring(Search):
    """What all strategies have that breed by crossover and mutation."""

    founding: Literal["pairs", "all", "founders"] = Field(
        "pairs",
        description="First children: merges of up to N pairs of founders at random weights (the "
        "paper's), N merges of all founders at random weights, or none: founders are bred from.",
    )
    crossover_rate: Rate = Field(0.8, description="Probability that two parents are crossed.")
    gene_rate: Rate = Field(0.01, description="Fraction of a mutant's elements that is moved.")
    sigma: NonNegative = Field(0.01, description="Of the noise, in weights.")
    crossover: tuple[Crossover, ...] = Field(
        (Crossover(),), description="Operators of founding and crossover.", min_length=1
    )


class Breeding(Offspring):
    """Crossover and mutation of those who win tournaments."""

    tournament: Annotated[int, Field(ge=1)] = Field(3, description="Size of a tournament.")


class Windowed(Search):
    """What strategies have that take one result after the other, without generations."""

    evaluations: Annotated[int, Field(ge=1)] = Field(
        200, description="Children in all, those of the founding included."
    )
    lag: Annotated[int, Field(ge=1)] = Field(
        16, description="Children under way at once; at least as many as engines that run."
    )
    batch: Annotated[int, Field(ge=1)] = Field(
        1, description="Results that a step takes in; fewer and larger steps archive faster."
    )

    @model_validator(mode="after")
    def _batch_fits(self) -> "Windowed":
        if self.batch > self.lag:
            raise ValueError(
                f"a batch of {self.batch} results never comes with lag = {self.lag} children "
                f"under way; set lag to {self.batch} or more"
            )
        return self


class WindowedBreeding(Windowed, Offspring):
    """Crossover and mutation, without generations."""


def check_weighted(crossover: tuple[Crossover, ...]) -> None:
    """Refuses all but one operator that has a weight for each of any number of models."""
    if len(crossover) > 1 or ALL_CROSSOVERS[crossover[0].operator].share != "weights":
        raise ValueError("crossover: give one operator that weighs any number of models")


def all_different(names: tuple[Name, ...]) -> tuple[Name, ...]:
    """Refuses a task that is named twice."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is named twice; name each task once")
    return names
