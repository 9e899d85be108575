"""Threads that work on loci side by side, with results in the order of the work."""

import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from types import TracebackType
from typing import Any, TypeVar

from speciate.population.threads import one_thread, set_num_threads, wait_until_gone

T = TypeVar("T")
R = TypeVar("R")

# Names and numbers of <malloc.h>; sizes in bytes.
_TRIM_THRESHOLD, _KEPT = -1, 1 << 26
_MMAP_THRESHOLD, _LARGE = -3, 1 << 24
_OFTEN = 128


def default_jobs() -> int:
    """One a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Heap:
    """The C library's, if it is glibc; elsewhere merging is slower or takes more memory."""

    def __init__(self) -> None:
        """Keeps blocks between loci, to be used again rather than given back and asked for."""
        self._libc: Any = None
        self._uses = 0
        with suppress(AttributeError, OSError):
            libc = ctypes.CDLL(None)
            libc.mallopt(_TRIM_THRESHOLD, _KEPT)
            libc.mallopt(_MMAP_THRESHOLD, _LARGE)
            libc.malloc_trim.argtypes = [ctypes.c_size_t]
            self._libc = libc

    def used(self) -> None:
        """Now and then gives back what lies between blocks in use.

        Aligned blocks, which torch asks for, fit no gap that one of them left: gaps add up.
        """
        self._uses += 1
        if self._libc is not None and self._uses % _OFTEN == 0:
            self._libc.malloc_trim(0)


class Crew:
    """A pool whose threads each compute with one core, so that sums have one order.

    Torch gives up the interpreter's lock in its kernels; so do reading, writing and hashing.
    """

    def __init__(self, jobs: int | None = None) -> None:
        """Starts no thread before the first work; of one job, the caller's does it."""
        self.jobs = jobs or default_jobs()
        self._heap = _Heap()
        self._threads: list[int] = []
        self._pool = ThreadPoolExecutor(self.jobs, "speciate", self._begin)
        self._stack, self._tools = ExitStack(), ExitStack()
        self._kept: dict[Hashable, Any] = {}

    def map(self, function: Callable[[T], R], items: Iterable[T], ahead: int = 4) -> Iterator[R]:
        """`function` of each item, in order.

        Args:
            function: Called by the threads.
            items: Taken one by one as threads become free.
            ahead: Items a thread that may be begun before the first of them is asked for; 0 keeps
                no more than one item a thread in memory.
        """
        for result in self._map(function, items, ahead):
            yield result
            self._heap.used()

    def _map(self, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
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

    def keep(self, key: Hashable, make: Callable[[], AbstractContextManager[T]]) -> T:
        """What is made of a key once, and closed when no thread can use it any more."""
        if key not in self._kept:
            self._kept[key] = self._tools.enter_context(make())
        kept: T = self._kept[key]
        return kept

    def _begin(self) -> None:
        """In a new thread."""
        set_num_threads(1)
        self._threads.append(threading.get_native_id())

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
        self._tools.close()
        wait_until_gone(self._threads)
        self._stack.close()
