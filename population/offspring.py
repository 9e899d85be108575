"""Breeding without a folder: the child's tensors follow each other, as an engine takes them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from speciate.population.breed import child_of, ordered
from speciate.population.breeding_process import BreedingProcess
from speciate.population.crew import Crew
from speciate.population.frame import SHARD_BYTES, new_model
from speciate.population.plan import Plan, Segment
from speciate.population.safetensors_writer import Ledger, Spec, raw_bytes
from speciate.population.shared_memory import SharedTensors
from speciate.population.threads import one_thread


class Offspring:
    """The child of a plan as a stream of its tensors: the same as `carry_out` would have written.

    It may be gone through again: all is computed anew. Bred by threads, in memory are the tensors
    that are begun, rarely more than two of them, and what whoever takes them keeps; bred by another
    process, all of them until the end. Iterate in one thread, and to the end, or close the
    iterator.
    """

    def __init__(
        self,
        plan: Plan,
        out: Path | None = None,
        shard_bytes: int = SHARD_BYTES,
        jobs: int | None = None,
        device: str = "cpu",
        process: BreedingProcess | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            plan: What to do.
            out: A new model folder to be written at the same time, if there is to be one; it
                appears, complete, when the stream ends.
            shard_bytes: Largest safetensors file, unless a single tensor is larger.
            jobs: Threads; one a core if not given.
            device: Where tensors are computed with, as torch calls it.
            process: That breeds it instead of threads, if the child is large and fits into memory.
        """
        self._plan = plan
        self._out, self._shard_bytes = out, shard_bytes
        self._jobs, self._device = jobs, device
        self._process = process
        self._digest: str | None = None

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Names and tensors, each of its stored type and on the CPU.

        Raises:
            ModelError: A parent is not finite or became unreadable.
            BreedError: The result is not finite.
            UsageError: `out` exists already.
            DiskError: The disk has no room or cannot be written.
        """
        self._digest = None
        with self._ledger() as ledger:
            room = self._process.room_for(self._plan) if self._process else None
            if self._process and room:
                with closing(room):
                    yield from self._by_process(self._process, room, ledger)
            else:
                yield from self._by_threads(ledger)
            digest = ledger.digest()
        self._digest = digest

    def _by_process(
        self, process: BreedingProcess, room: SharedTensors, ledger: Ledger
    ) -> Iterator[tuple[str, Tensor]]:
        # Whoever takes the tensors shares the cores with those who breed them.
        with one_thread(), closing(process.breed(self._plan, room, ledger)) as tensors:
            for name, tensor in tensors:
                if self._out is not None:
                    ledger.put(name, 0, tensor)
                yield name, tensor

    def _by_threads(self, ledger: Ledger) -> Iterator[tuple[str, Tensor]]:
        plan = ordered(self._plan)
        with Crew(self._jobs) as crew:
            for segment in plan.segments:
                yield from _tensors(segment, plan, crew, ledger, self._device)

    @property
    def digest(self) -> str:
        """Of the weights.

        Raises:
            ValueError: The stream has not come to its end.
        """
        if self._digest is None:
            raise ValueError("the digest is known when all tensors have been taken")
        return self._digest

    def _ledger(self) -> AbstractContextManager[Ledger]:
        frame = self._plan.frame
        if self._out is None:
            return nullcontext(Ledger(frame.specs))
        return new_model(self._out, frame, self._shard_bytes)


def _tensors(
    segment: Segment, plan: Plan, crew: Crew, ledger: Ledger, device: str
) -> Iterator[tuple[str, Tensor]]:
    """Those of one segment; what is not of floating point comes first, then in the own order."""
    assembly = _Assembly(plan.frame.specs, ledger)
    for name in segment.names:
        if ledger.is_whole(name) and segment.frame.dtype(name).is_floating_point:
            yield name, assembly.take(name)  # Without elements, so that nothing follows.
    for name, data in child_of(segment, plan.recipe.seed, crew, assembly.put, device):
        ledger.account(name, data)
        if ledger.is_whole(name):
            yield name, assembly.take(name)


class _Assembly:
    """Puts what the crew computes, span by span, into whole tensors."""

    def __init__(self, specs: tuple[Spec, ...], ledger: Ledger) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._ledger = ledger
        self._begun: dict[str, Tensor] = {}
        self._lock = Lock()

    def put(self, name: str, start: int, values: Tensor) -> memoryview:
        """Elements from flat index `start` on; see `Ledger.put`."""
        data = self._ledger.put(name, start, values)
        first = start * self._specs[name].dtype.itemsize
        bytes_ = np.frombuffer(raw_bytes(self._tensor(name)), np.uint8)
        bytes_[first : first + len(data)] = np.frombuffer(data, np.uint8)
        return data

    def take(self, name: str) -> Tensor:
        """A tensor all of whose elements are there."""
        tensor = self._tensor(name)
        del self._begun[name]
        return tensor

    def _tensor(self, name: str) -> Tensor:
        with self._lock:
            if name not in self._begun:
                spec = self._specs[name]
                self._begun[name] = torch.empty(spec.shape, dtype=spec.dtype)
            return self._begun[name]
