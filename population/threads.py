"""How many threads torch computes with.

vLLM's CPU worker puts a function that does nothing in the place of `torch.set_num_threads`, for the
whole process; hence the function underneath.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch._C import set_num_threads

__all__ = ["one_thread", "set_num_threads"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread in the calling thread, so that sums have one order."""
    before = torch.get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)
