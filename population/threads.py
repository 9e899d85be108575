"""How many threads torch computes with.

vLLM's CPU worker puts a function that does nothing in the place of `torch.set_num_threads`, for the
whole process; hence the function underneath.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch._C import set_num_threads

__all__ = ["one_thread", "set_num_threads", "wait_until_gone"]

_TASKS = Path("/proc/self/task")
_LONGEST_S = 10.0


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread in the calling thread, so that sums have one order."""
    before = torch.get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(before)


def wait_until_gone(threads: Iterable[int]) -> None:
    """Waits for threads that Python takes for ended to end for the system as well.

    On their way out MKL gives back their memory, under a lock. A process forked meanwhile would
    wait for that lock forever. Where there is no /proc, nobody forks (see `processes`).

    Args:
        threads: As `threading.get_native_id` gives them.
    """
    end = time.monotonic() + _LONGEST_S
    for thread in threads:
        while (_TASKS / str(thread)).exists() and time.monotonic() < end:
            time.sleep(0.0002)
