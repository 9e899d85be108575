"""Runs an operator's source on tensors, each in a sandbox; one sandbox a thread."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from speciate.errors import BreedError, ProgramError
from speciate.population.operators.evolved.wire import (
    BASE,
    LONGEST,
    METADATA,
    MODEL,
    RESULT,
    header,
    parsed,
)
from speciate.population.randomness import Stream
from speciate.population.safetensors_writer import is_finite, raw_bytes
from speciate.records import source_digest
from speciate.sandbox import Limits, Patience, Program, Session, python

MIB = 1 << 20
_FOLDER = "speciate/population/operators/evolved"
_EVER_S = 1_000_000
_ERROR_BYTES = 1 << 14
_SHOWN = 300


@dataclass(frozen=True)
class Bounds:
    """What merging one tensor may take: so much, and so much more for each element of each input.

    Attributes:
        cpu_s: Seconds of processor time.
        cpu_s_element: The same for each element.
        idle: Seconds by the clock for each second of processor time, on a machine that is busy.
        memory_mb: Besides the inputs.
        copies: Bytes for each byte of the inputs.
    """

    cpu_s: float = 10.0
    cpu_s_element: float = 5e-6
    idle: float = 6.0
    memory_mb: int = 512
    copies: int = 6

    def cpu(self, nbytes: int) -> int:
        """Whole seconds for inputs of so many bytes."""
        return int(self.cpu_s + self.cpu_s_element * nbytes / 4) + 1

    def memory(self, nbytes: int) -> int:
        """Bytes that the source's process may have, its inputs and its result among them."""
        return self.memory_mb * MIB + (self.copies + 2) * nbytes


@dataclass(frozen=True)
class Request:
    """One tensor of all parents.

    Attributes:
        models: float32 on the CPU, all of one shape.
        base: Likewise, or None.
        values: Of all parameters.
        key: Of the random numbers, 128 bits.
    """

    models: Sequence[Tensor]
    base: Tensor | None
    values: Mapping[str, float]
    key: int

    @property
    def shape(self) -> tuple[int, ...]:
        """What the source sees; a single number is a vector to it."""
        return tuple(self.models[0].shape) or (1,)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All of them, by name."""
        named = {f"{MODEL}.{number}": one for number, one in enumerate(self.models)}
        return named if self.base is None else {BASE: self.base, **named}

    @property
    def nbytes(self) -> int:
        """Of all tensors."""
        return 4 * len(self.tensors) * self.models[0].numel()

    def parts(self, bounds: Bounds) -> list[memoryview]:
        """The message that asks for it."""
        said = {
            "parameters": json.dumps(self.values),
            "key": f"{self.key:x}",
            "cpu_s": str(bounds.cpu(self.nbytes)),
            "memory": str(bounds.memory(self.nbytes)),
        }
        first = header(dict.fromkeys(self.tensors, self.shape), said)
        return [memoryview(first), *(raw_bytes(one) for one in self.tensors.values())]


def key_of(stream: Stream) -> int:
    """128 bits of a stream."""
    return stream.integer(2**64) << 64 | stream.integer(2**64)


class Sandboxes:
    """Those in which one source runs; each thread that asks has its own, which stays up."""

    def __init__(self, source: str, bounds: Bounds | None = None) -> None:
        """Starts none before the first tensor."""
        self.digest = source_digest(source)
        self._source, self._bounds = source, bounds or Bounds()
        self._sessions: dict[int, tuple[Session, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session, _ in self._sessions.values():
            session.close()
        self._sessions.clear()

    def merge(self, request: Request, name: str) -> Tensor:
        """What the source makes of one tensor: float32, finite.

        Args:
            request: The tensor of all parents.
            name: Of the tensor, for messages.

        Raises:
            BreedError: It fails, takes too much, or its result is not finite.
            SandboxError: There is no sandbox on this machine.
        """
        try:
            return self.attempt(request)
        except ProgramError as exc:
            raise BreedError(f"evolved operator {self.digest[:10]}: tensor {name}: {exc}") from exc

    def attempt(self, request: Request) -> Tensor:
        """The same without a name.

        Raises:
            ProgramError: See `merge`.
            SandboxError: There is no sandbox on this machine.
        """
        first = header({RESULT: request.shape})
        data = self._asked(request, len(first))
        if not data.startswith(first) or len(data) == len(first):
            raise ProgramError(_error(data))
        if len(data) != len(first) + 4 * request.models[0].numel():
            raise ProgramError("answered with another number of elements")
        found = torch.frombuffer(data, dtype=torch.float32, offset=len(first))
        if not is_finite(found):
            raise ProgramError("made NaN or infinite values")
        return found.reshape(request.models[0].shape)

    def _asked(self, request: Request, begin: int) -> bytearray:
        """The answer, of which so many bytes come before the data."""
        cpu_s = self._bounds.cpu(request.nbytes)
        most = max(begin + 4 * request.models[0].numel(), _ERROR_BYTES)
        # The kernel counts what the source takes itself; this is the net below.
        patience = Patience(cpu_s + 5.0, self._bounds.idle * cpu_s, most)
        session = self._session(request.nbytes)
        try:
            return session.ask(request.parts(self._bounds), patience)
        except ProgramError:
            # It is over; what is asked next gets another.
            self._sessions.pop(threading.get_ident())[0].close()
            raise

    def _session(self, nbytes: int) -> Session:
        """The calling thread's, large enough for inputs of so many bytes."""
        me, needed = threading.get_ident(), -(-(self._bounds.memory(nbytes) + 2 * nbytes) // MIB)
        known = self._sessions.get(me)
        if known is None or known[1] < needed:
            if known is not None:
                known[0].close()
            size = 1 << (needed - 1).bit_length()
            # Two processes: the one that waits, and the one that works, which has no other.
            limits = Limits(_EVER_S, memory_mb=size, processes=2, files=8, disk_mb=1, output_kb=16)
            self._sessions[me] = known = Session(_program(self._source), limits), size
        return known[0]


def _program(source: str) -> Program:
    files = {"source.txt": source.encode("utf-8", "replace"), **_sources()}
    packages = ("numpy", "numpy.libs")
    return Program(python(f"/program/{_FOLDER}/runner.py"), files, packages)


@cache
def _sources() -> dict[str, bytes]:
    here = Path(__file__).parent
    return {
        f"{_FOLDER}/{name}.py": (here / f"{name}.py").read_bytes() for name in ("runner", "wire")
    }


def _error(data: bytearray) -> str:
    """What a source says of itself, in one line that may be shown."""
    try:
        text = str(parsed(data)[0][METADATA]["error"]) if len(data) <= _ERROR_BYTES else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        text = ""
    words = "".join(one if one.isprintable() else " " for one in text[:LONGEST])
    return " ".join(words.split())[:_SHOWN] or "answered with something that is no tensor"
