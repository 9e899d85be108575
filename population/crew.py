"""Threads that work on loci side by side, with results in the order of the work."""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TypeVar

from speciate.population.threads import one_thread, set_num_threads

T = TypeVar("T")
R = TypeVar("R")

# Names and numbers of <malloc.h>; sizes in bytes.
_TRIM_THRESHOLD, _KEPT = -1, 1 << 26
_MMAP_THRESHOLD, _LARGE = -3, 1 << 24


def default_jobs() -> int:
    """One a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keep_memory() -> None:
    """Tells glibc not to give blocks back to the system between loci, only to ask for them again.

    Where the C library is another, nothing happens but that merging is slower.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)


class Crew:
    """A pool whose threads each compute with one core, so that sums have one order.

    Torch gives up the interpreter's lock in its kernels; so do reading, writing and hashing.
    """

    def __init__(self, jobs: int | None = None) -> None:
        """Starts no thread before the first work; of one job, the caller's does it."""
        self.jobs = jobs or default_jobs()
        _keep_memory()
        self._pool = ThreadPoolExecutor(self.jobs, "speciate", lambda: set_num_threads(1))
        self._stack = ExitStack()

    def map(self, function: Callable[[T], R], items: Iterable[T], ahead: int = 4) -> Iterator[R]:
        """`function` of each item, in order.

        Args:
            function: Called by the threads.
            items: Taken one by one as threads become free.
            ahead: Items a thread that may be begun before the first of them is asked for; 0 keeps
                no more than one item a thread in memory.
        """
        if self.jobs == 1:
            yield from map(function, items)
            return
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(function, item))
                if len(waiting) >= max(ahead, 1) * self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def __enter__(self) -> "Crew":
        # In the thread that waits for the crew, several cores would only get in its way.
        self._stack.enter_context(one_thread())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._stack.close()
