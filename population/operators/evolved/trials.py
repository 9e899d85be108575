"""Tries an operator's source out: in a sandbox, on random tensors of many kinds."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from speciate.errors import ProgramError, SandboxError
from speciate.population.operators.evolved.merging import Bounds, Request, Sandboxes
from speciate.population.operators.evolved.source import Bound, declared
from speciate.population.operators.evolved.static import check
from speciate.population.randomness import stream
from speciate.sandbox import available

# Seconds and bytes an element that no operator of ours comes near.
BOUNDS = Bounds(cpu_s=1.0, cpu_s_element=5e-6, idle=8.0, memory_mb=384, copies=6)
TOLERANCE = 1e-3
"""Of the largest element: how far the merge of equal models may be from them."""
_MATRIX, _LARGE = (33, 17), (1024, 768)
_SHAPES = (_MATRIX, (130, 6), (5, 64), (7,), (1, 1))
_FAMILIES = ((2, True), (2, False), (3, True), (1, True))
_USUAL, _MOST_PROBLEMS = 0.02, 3


@dataclass(frozen=True)
class Trials:
    """How a source did.

    Attributes:
        passed: Whether there is no problem.
        problems: The first few, a line each.
        facts: JSON values, the same each time: how many cases were tried, what the result depends
            on, and warnings.
    """

    passed: bool
    problems: list[str]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Tensors to be merged.

    Attributes:
        kind: random, equal, zero, constant, large or tiny.
        shape: Of each tensor.
        models: How many.
        base: Whether there is one.
        values: Of parameters that are not at their defaults.
        key: Of the random numbers.
    """

    kind: str = "random"
    shape: tuple[int, ...] = _MATRIX
    models: int = 2
    base: bool = True
    values: Mapping[str, float] = field(default_factory=dict)
    key: int = 1

    def __str__(self) -> str:
        given = "".join(f", {name} = {value:g}" for name, value in self.values.items())
        count = "1 model" if self.models == 1 else f"{self.models} models"
        whole = f"{count} and a base" if self.base else count
        return f"{whole} of {self.kind} values, shape {list(self.shape)}{given}"

    def request(self, defaults: Mapping[str, float]) -> Request:
        """The tensors, with all parameters."""
        models = [self._tensor(number) for number in range(self.models)]
        base = self._tensor(self.models) if self.base else None
        return Request(models, base, {**defaults, **self.values}, self.key)

    def _tensor(self, number: int) -> Tensor:
        scale = {"large": 1e4, "tiny": 1e-8}.get(self.kind, _USUAL)
        if self.kind in ("zero", "constant"):
            return torch.full(self.shape, 0.0 if self.kind == "zero" else _USUAL)
        which = "same" if self.kind == "equal" else str(number)
        drawn = stream(0, "trial", which).normal(self.shape) * scale
        return drawn.bfloat16().float()  # As models are stored.


class Trouble(Exception):  # noqa: N818 - of the source, not of ours
    """More than enough problems are known."""


class Trial:
    """Cases that are tried one after the other, until there are problems enough."""

    def __init__(self, source: str) -> None:
        self.problems: list[str] = []
        self.cases = 0
        self._source, self._defaults = source, declared(source).values({})

    def run(self) -> dict[str, Any]:
        """All cases, and what they told."""
        parameters = declared(self._source).parameters
        with Sandboxes(self._source, BOUNDS) as one, Sandboxes(self._source, BOUNDS) as other:
            for case in _cases(parameters):
                first = self._result(one, case)
                if first is None:
                    continue
                for again in (one, other) if case == Case() else (other,):
                    second = self._result(again, case)
                    if second is None or not torch.equal(first, second):
                        self._add(case, "another result the second time")
                if case.kind == "equal":
                    self._compare(case, first)
            return {} if self.problems else self._facts(one, parameters)

    def _result(self, sandboxes: Sandboxes, case: Case) -> Tensor | None:
        self.cases += 1
        request = case.request(self._defaults)
        try:
            return sandboxes.attempt(request)
        except ProgramError as exc:
            self._add(case, str(exc))
            return None

    def _add(self, case: Case, words: str) -> None:
        # Of one mistake, the first case tells enough.
        if not any(one.endswith(f": {words}") for one in self.problems):
            self.problems.append(f"{case}: {words}")
        if len(self.problems) == _MOST_PROBLEMS or words.startswith("took"):
            raise Trouble

    def _compare(self, case: Case, result: Tensor) -> None:
        equal = case.request({}).models[0]
        if (result - equal).abs().max() > TOLERANCE * equal.abs().max():
            self._add(case, "another result than the models, which are all equal")

    def _facts(self, sandboxes: Sandboxes, parameters: Mapping[str, Bound]) -> dict[str, Any]:
        """What the result depends on."""
        plain = Case(models=3)
        result = self._result(sandboxes, plain)

        def moves(**changed: Any) -> bool:  # noqa: ANN401
            other = self._result(sandboxes, replace(plain, **changed))
            return result is None or other is None or not torch.equal(result, other)

        ends = {name: ({name: one.low}, {name: one.high}) for name, one in parameters.items()}
        idle = [name for name, both in ends.items() if not any(moves(values=v) for v in both)]
        return {
            "uses_base": moves(base=False),
            "uses_random": moves(key=2),
            "warnings": [f"parameter {name} changes nothing" for name in idle],
        }


def try_out(source: str) -> Trials:
    """Checks a source, and runs it on tensors of many kinds.

    Results have to be finite, of the same shape, and the same each time; of equal models they have
    to be these models; and they have to be there before the time and within the memory that go
    with the number of elements.

    Raises:
        SandboxError: There is no sandbox on this machine.
    """
    if complaint := available():
        raise SandboxError(f"operators are tried out in a sandbox: {complaint}")
    if problems := check(source):
        return Trials(False, problems)
    trial = Trial(source)
    facts: dict[str, Any] = {}
    with suppress(Trouble):
        facts = trial.run()
    return Trials(not trial.problems, trial.problems, {"cases": trial.cases, **facts})


def _cases(parameters: Mapping[str, Bound]) -> Iterator[Case]:
    # What mostly goes wrong comes first.
    for models, base in _FAMILIES:
        for shape in _SHAPES:
            yield Case("random", shape, models, base)
    for shape in _SHAPES:
        yield Case("equal", shape)
    yield Case("equal", models=3, base=False)
    for kind in ("zero", "constant", "large", "tiny"):
        yield Case(kind)
        yield Case(kind, models=3, base=False)
    yield Case(values={name: one.low for name, one in parameters.items()})
    yield Case(values={name: one.high for name, one in parameters.items()})
    yield Case("random", _LARGE)
