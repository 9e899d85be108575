"""A child's tensors in memory that processes share."""

import mmap
import os
from collections.abc import Sequence

import psutil
import torch
from torch import Tensor

from speciate.population.frame import Frame
from speciate.population.safetensors_writer import Ledger, Spec, write_at

_ALIGNED = 64
_KEPT_FREE = 1 << 30
"""Bytes that are left for those who breed and for the engine."""


class SharedTensors:
    """Room for the tensors of a model, one after the other.

    Nothing of it has a name: it is gone as soon as no process has it, however processes end. Here
    that is when it is closed and all tensors are forgotten.

    Attributes:
        descriptor: For another process.
        memory: Which lives as long as any tensor in it.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        """Takes what the tensors will be.

        Raises:
            OSError: The system gives no such memory.
        """
        self._specs = {spec.name: spec for spec in specs}
        self._offsets, size = _layout(specs)
        self.descriptor = os.memfd_create("speciate")
        try:
            os.ftruncate(self.descriptor, size)
            self.memory = mmap.mmap(self.descriptor, size)
        except OSError:
            os.close(self.descriptor)
            raise

    def tensor(self, name: str) -> Tensor:
        """A tensor in the memory itself, which stays there as long as the tensor is kept."""
        spec, offset = self._specs[name], self._offsets[name]
        if spec.nbytes == 0:
            return torch.empty(spec.shape, dtype=spec.dtype)
        # Not a view of all: pickled for another process, that would be sent as a whole.
        count = spec.nbytes // spec.dtype.itemsize
        flat = torch.frombuffer(self.memory, dtype=spec.dtype, count=count, offset=offset)
        return flat.view(spec.shape)

    def close(self) -> None:
        """Forgets all tensors that nobody else has kept."""
        os.close(self.descriptor)
        del self.memory


class SharedLedger(Ledger):
    """Puts what it is given into memory that another process made for the same tensors."""

    def __init__(self, specs: Sequence[Spec], descriptor: int) -> None:
        """Takes what the tensors will be, and the descriptor of the memory."""
        super().__init__(specs)
        self._offsets, _ = _layout(specs)
        self._descriptor = descriptor

    def put(self, name: str, start: int, values: Tensor) -> memoryview:
        """See `Ledger.put`."""
        data = super().put(name, start, values)
        # Faster than through mapped memory, whose pages are cleared first, one by one.
        offset = self._offsets[name] + start * self._specs[name].dtype.itemsize
        write_at(self._descriptor, offset, data)
        return data


def _layout(specs: Sequence[Spec]) -> tuple[dict[str, int], int]:
    """Where each tensor begins, and how many bytes there are, at least one."""
    offsets, size = dict[str, int](), 0
    for spec in specs:
        offsets[spec.name] = size
        size += -(-spec.nbytes // _ALIGNED) * _ALIGNED
    return offsets, max(size, 1)


def shared_room(frame: Frame) -> SharedTensors | None:
    """Memory for all of a child, if this system shares memory and has as much free."""
    available: int = psutil.virtual_memory().available
    if not hasattr(os, "memfd_create") or available < frame.nbytes + _KEPT_FREE:
        return None
    try:
        return SharedTensors(frame.specs)
    except OSError:
        return None
