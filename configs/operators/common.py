"""What the parameters of operators share: bounds, and numbers that vary over the model."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from speciate.configs.bounds import NonNegative as NonNegative
from speciate.configs.bounds import Positive as Positive
from speciate.configs.section import Section

# Strict, so that text and true are no numbers; whole numbers are.
Weight = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Density = Annotated[float, Field(gt=0, le=1, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
ModuleKind = Literal["embedding", "attention", "mlp", "norm", "head", "other"]

N = TypeVar("N")


class Parameters(Section):
    """Base of all parameter models.

    Attributes:
        needs_base: Whether a parent with the role "base" is needed.
        models: How many models it can cross in a campaign: exactly two, as many as one likes, or
            none, for mutations and for merges that need more than models and a base.
        share: The parameter that says how much of each model there is: one weight for each, or
            the part of the second; None if there is none.
    """

    needs_base: ClassVar[bool] = False
    models: ClassVar[Literal["any", "two", "none"]] = "any"
    share: ClassVar[Literal["weights", "t"] | None] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Weights are what they are called in all operators that have them."""
        if "weights" in cls.model_fields:
            cls.share = "weights"


def _form(value: Any) -> str:  # noqa: ANN401
    """Which form of a schedule a value has, so that messages are about that form alone."""
    if isinstance(value, Mapping):
        return "per model" if "models" in value else "a table"
    if isinstance(value, list | tuple):
        rules = any(isinstance(part, Mapping | Rule) for part in value)
        return "rules" if rules else "a list"
    if isinstance(value, PerModel):
        return "per model"
    return "a table" if isinstance(value, ByModule) else "a number"


_Number = Annotated[Weight, Tag("a number")]
_List = Annotated[tuple[Weight, ...], Field(min_length=1), Tag("a list")]
# A number, or numbers interpolated over depth: the first for the first block, and so on.
Gradient = Annotated[_Number | _List, Discriminator(_form)]


class ByModule(Section):
    """A number, or a list over depth, for each kind of module; what is not given is as `other`."""

    embedding: Gradient | None = None
    attention: Gradient | None = None
    mlp: Gradient | None = None
    norm: Gradient | None = None
    head: Gradient | None = None
    other: Gradient = 1.0


class Rule(Section):
    """A value for the tensors that match all that is said of them; the first match counts."""

    value: Gradient = Field(description="A number, or a list interpolated over depth.")
    module: ModuleKind | None = Field(None, description="Kind of module.")
    layers: tuple[int, int] | None = Field(
        None, description="First and last transformer block, both included, from 0."
    )
    name: str | None = Field(None, description="Part of the tensor's name.")

    @field_validator("layers")
    @classmethod
    def _in_order(cls, layers: tuple[int, int] | None) -> tuple[int, int] | None:
        if layers is not None and not 0 <= layers[0] <= layers[1]:
            raise ValueError(f"[{layers[0]}, {layers[1]}] is not first and last block, from 0")
        return layers


_Table = Annotated[ByModule, Tag("a table")]
_Rules = Annotated[tuple[Rule, ...], Tag("rules")]
_Schedule = Annotated[_Number | _List | _Table | _Rules, Discriminator(_form)]


class PerModel(Section):
    """A schedule for each of the models."""

    models: tuple[_Schedule, ...] = Field(min_length=1, description="In the recipe's order.")


_PerModel = Annotated[PerModel, Tag("per model")]
_Schedules = Annotated[_Number | _List | _Table | _Rules | _PerModel, Discriminator(_form)]

if TYPE_CHECKING:
    Schedule: TypeAlias = N | tuple[N, ...] | ByModule | tuple[Rule, ...]
    Schedules: TypeAlias = N | tuple[N, ...] | ByModule | tuple[Rule, ...] | PerModel
else:

    class Schedule:
        """Of numbers within bounds: one, a list over depth, a table by module, or rules."""

        def __class_getitem__(cls, kind: Any) -> Any:  # noqa: ANN401
            return Annotated[_Schedule, AfterValidator(_within(kind))]

    class Schedules:
        """A schedule for all models, or `{models = [...]}` with one for each."""

        def __class_getitem__(cls, kind: Any) -> Any:  # noqa: ANN401
            return Annotated[_Schedules, AfterValidator(_within(kind))]


def _within(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """Refuses a schedule with any number that is not of a kind such as `Density`."""
    adapter = TypeAdapter(kind)

    def check(value: Any) -> Any:  # noqa: ANN401
        for number in numbers(value):
            try:
                adapter.validate_python(number)
            except ValidationError as exc:
                raise ValueError(f"{exc.errors()[0]['msg']} (it is {number:g})") from None
        return value

    return check


Weights: TypeAlias = tuple[Schedule[Weight], ...] | None


def numbers(value: Any) -> Iterator[float]:  # noqa: ANN401
    """All numbers of a schedule, or of several, for checks that hold wherever they apply."""
    if isinstance(value, tuple):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, Rule):
        yield from numbers(value.value)
    elif isinstance(value, ByModule):
        yield from numbers(tuple(v for v in value.__dict__.values() if v is not None))
    elif isinstance(value, PerModel):
        yield from numbers(value.models)
    elif value is not None:
        yield float(value)
