"""What an operator is: roles for its parents, parameters, and a function of one locus.

An operator is carried out in up to three steps, each optional but the last:

1. `prepare` sees the whole genome and gives the context (whole-model thresholds, permutations);
2. `measure` sees one matrix or tensor, all blocks of it, and gives facts (norms, thresholds);
3. `merge` makes one locus of the child from the same locus of the parents, and those facts.

A locus is as large as the operator's grain says. Loci are merged in parallel, in blocks of fixed
size, so that the bytes of the child depend neither on the number of jobs nor on the shards.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from speciate.configs.operators.common import Parameters
from speciate.configs.operators.structure import Piece
from speciate.population.randomness import Stream
from speciate.population.structure import Place

P = TypeVar("P", bound=Parameters)
F = TypeVar("F")
R = TypeVar("R")


class Arity(NamedTuple):
    """How many parents may play a role, in numbers and in words; no `most` is no limit."""

    least: int
    most: int | None
    words: str


ONE = Arity(1, 1, "exactly one")
OPTIONAL = Arity(0, 1, "at most one")
TWO = Arity(2, 2, "exactly two")
SOME = Arity(1, None, "one or more")

BASE_AND_MODELS: Mapping[str, Arity] = {"base": ONE, "model": SOME}
MODELS: Mapping[str, Arity] = {"model": SOME}


class Grain(Enum):
    """What a locus holds at least: what `merge` may look at together.

    ELEMENT: a flat run of elements of a matrix; for operators that treat elements alone.
    ROW: whole rows (the last dimension) of a matrix, as a 2-D tensor; a vector is one row.
    MATRIX: a whole matrix (or vector), with fused projections and experts taken apart.
    """

    ELEMENT = "element"
    ROW = "row"
    MATRIX = "matrix"


@dataclass(frozen=True)
class Locus:
    """One place of the genome: the same elements of all parents.

    Attributes:
        place: Name of the tensor, kind of module, and depth.
        start: Flat index of the first element within the view (0 for the grain MATRIX).
        tensors: By role, in the order of the recipe; float32, all of one shape: flat for ELEMENT,
            (rows, columns) for ROW, as stored for MATRIX. Never changed in place unless `owned`.
        stream: Random numbers of this locus for the parent of this number among its role.
        statistic: What was measured of the model of this number: `statistic(0, "fisher")` is the
            tensor of that kind, cut to the locus where it has the weight's shape; None if absent.
        owned: No other has the tensors, nor two of them the same memory: what an operator is done
            with may be overwritten, which is far faster than to write elsewhere.
    """

    place: Place
    start: int
    tensors: Mapping[str, tuple[Tensor, ...]]
    stream: Callable[[int], Stream]
    statistic: Callable[[int, str], Tensor | None] = lambda _, __: None
    owned: bool = False

    @property
    def models(self) -> tuple[Tensor, ...]:
        """The tensors of the role "model"."""
        return self.tensors["model"]

    @property
    def base(self) -> Tensor:
        """The tensor of the role "base"."""
        return self.tensors["base"][0]

    @property
    def shape(self) -> torch.Size:
        """Of each tensor."""
        return next(iter(self.tensors.values()))[0].shape


class Loci(Protocol):
    """Loci in a fixed order, to be looked at one by one."""

    def map(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of every locus, in order; computed in parallel."""

    def sample(self, function: Callable[[Locus], R]) -> list[R]:
        """`function` of a short run of elements of every locus; only for the grain ELEMENT."""

    def one(self, index: int) -> Locus:
        """The locus of this number."""


class View(Loci, Protocol):
    """A whole matrix or vector of all parents."""

    @property
    def place(self) -> Place:
        """Where in the model it is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole matrix."""

    def keep(self, key: Hashable, make: Callable[[], AbstractContextManager[R]]) -> R:
        """What is made of a key once, for all matrices, and closed when all are merged."""


class Genome(Loci, Protocol):
    """All matrices of all parents, in the order of the names."""

    @property
    def names(self) -> Sequence[str]:
        """Of the child's tensors that are made from these parents, sorted."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Content of config.json."""

    def views(self) -> Iterator[View]:
        """Every matrix or vector of floating point, with loci of the operator's grain."""


def no_context(_: Genome, __: Parameters) -> Any:  # noqa: ANN401
    """For operators that need not see the whole genome before they merge."""


def same_facts(_: View, __: Parameters, context: F) -> F:
    """For operators that measure nothing: the facts are the context."""
    return context


def accept(_: Parameters, __: int) -> None:
    """For operators whose parameters need no other check than their bounds."""


@dataclass(frozen=True)
class Operator(Generic[P, F]):
    """A way to make weights from parents.

    Attributes:
        name: As recipes say it.
        family: Page of the documentation: averaging, task_vectors, spectral, statistics ...
        roles: Parts that parents play, and how many may play each.
        parameters: Their model, with bounds.
        merge: From one locus, the parameters and the facts to a float32 tensor of its shape.
        grain: How large a locus is; may depend on the parameters.
        prepare: A pass over the genome that gives the context.
        measure: A pass over one view that gives the facts, from the parameters and the context.
        check: Refuses parameters that do not fit the number of models, with a ConfigError.
        paper: Where it comes from, with its arXiv number if it has one.
        statistics: Kinds of statistics that it reads, one file for each model.
        dense: Whether NaN and infinity in any parent show in the child, so that parents need not
            be searched for them.
        symmetric: Whether the order of the models says nothing, as long as weights and the like
            follow them; then not even the last bit of the child depends on it.
    """

    name: str
    family: str
    roles: Mapping[str, Arity]
    parameters: type[P]
    merge: Callable[[Locus, P, F], Tensor]
    grain: Grain | Callable[[P], Grain] = Grain.ELEMENT
    prepare: Callable[[Genome, P], Any] = no_context
    measure: Callable[[View, P, Any], F] = same_facts
    check: Callable[[P, int], None] = accept
    paper: str = ""
    statistics: tuple[str, ...] = ()
    dense: bool = False
    symmetric: bool = False

    def grain_for(self, parameters: P) -> Grain:
        """How large a locus is with these parameters."""
        return self.grain if isinstance(self.grain, Grain) else self.grain(parameters)

    @property
    def summary(self) -> str:
        """One sentence: the first line of the parameters' docstring."""
        return _first_line(self.parameters)


class Model(Protocol):
    """What is known of a parent before its weights are read."""

    @property
    def label(self) -> str:
        """How messages call it."""

    @property
    def names(self) -> Sequence[str]:
        """Of all tensors."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Content of config.json."""


@dataclass(frozen=True)
class Structural(Generic[P]):
    """An operator that says which blocks the child is stacked from, and leaves them to others.

    Attributes:
        name: As recipes say it.
        family: Page of the documentation.
        roles: Parts that parents play, and how many may play each.
        parameters: Their model, with bounds.
        pieces: From the parameters and all parents to the pieces, from the bottom up; parents are
            numbered as in the recipe.
        check: Refuses parameters that do not fit the number of models, with a ConfigError.
        paper: Where it comes from, with its arXiv number if it has one.
    """

    name: str
    family: str
    roles: Mapping[str, Arity]
    parameters: type[P]
    pieces: Callable[[P, Sequence[Model]], Sequence[Piece]]
    check: Callable[[P, int], None] = accept
    paper: str = ""
    statistics: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One sentence: the first line of the parameters' docstring."""
        return _first_line(self.parameters)


def _first_line(parameters: type[Parameters]) -> str:
    return (parameters.__doc__ or "").strip().splitlines()[0]
