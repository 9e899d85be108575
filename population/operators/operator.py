"""What an operator is: roles for its parents, parameters, and a function of one tensor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from torch import Tensor

from speciate.configs.operators import Parameters
from speciate.errors import ConfigError
from speciate.population.randomness import Stream

P = TypeVar("P", bound=Parameters)
C = TypeVar("C")


class Arity(NamedTuple):
    """How many parents may play a role, in numbers and in words; no `most` is no limit."""

    least: int
    most: int | None
    words: str


ONE = Arity(1, 1, "exactly one")
TWO = Arity(2, 2, "exactly two")
SOME = Arity(1, None, "one or more")


class Source(Protocol):
    """Where the tensors of a parent come from; a `Checkpoint` is one."""

    names: tuple[str, ...]

    def tensor(self, name: str) -> Tensor:
        """The tensor as it is stored."""


Sources = Mapping[str, Sequence[Source]]


@dataclass(frozen=True)
class Locus:
    """One place of the genome: the tensors of one name, of all parents.

    Attributes:
        name: Of the tensor.
        tensors: By role, in the order of the recipe; float32, all of one shape.
        stream: Random numbers of this tensor for the parent of this number among its role.
    """

    name: str
    tensors: Mapping[str, tuple[Tensor, ...]]
    stream: Callable[[int], Stream]


def no_context(_: Sources, __: Parameters) -> None:
    """For operators that need not see all tensors before they merge one."""


def accept(_: Parameters, __: int) -> None:
    """For operators whose parameters need no other check than their bounds."""


@dataclass(frozen=True)
class Operator(Generic[P, C]):
    """A way to make weights from parents.

    Attributes:
        name: As recipes say it.
        roles: Parts that parents play, and how many may play each.
        parameters: Their model, with bounds.
        merge: From one locus, the parameters and the context to a float32 tensor of its shape.
        prepare: A pass over all tensors of all parents that gives the context.
        check: Refuses parameters that do not fit the number of models, with a ConfigError.
    """

    name: str
    roles: Mapping[str, Arity]
    parameters: type[P]
    merge: Callable[[Locus, P, C], Tensor]
    prepare: Callable[[Sources, P], C]
    check: Callable[[P, int], None] = accept


def check_weights(weights: tuple[float, ...] | None, count: int) -> None:
    """Whether there is one weight for each model.

    Raises:
        ConfigError: There are more or fewer.
    """
    if weights is not None and len(weights) != count:
        raise ConfigError(f"weights: {len(weights)} given for {count} models; give one a model")
