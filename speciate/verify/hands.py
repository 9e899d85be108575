"""Who rebuilds: this process, or several beside it that are started clean."""

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from speciate.errors import BreedError
from speciate.population.crew import default_jobs
from speciate.population.processes import end_with_parent
from speciate.verify.rebuild import Found, Work, rebuild

WORTH = 200
"""Rebuilds a process from which on its start, which takes a few seconds, is worth it."""


class Crew:
    """Rebuilds several individuals side by side.

    Attributes:
        size: How many at one time.
        threads: What each computes with; None for one a core.
    """

    def __init__(self, size: int, threads: int | None, pool: Executor | None) -> None:
        self.size, self.threads, self._pool = size, threads, pool

    def submit(self, work: Work) -> Future[Found]:
        """Has one rebuilt; alone, this process does it at once."""
        if self._pool is not None:
            return self._pool.submit(rebuild, work)
        done: Future[Found] = Future()
        done.set_result(rebuild(work))
        return done


@contextmanager
def crew(jobs: int | None, count: int) -> Iterator[Crew]:
    """A crew for so many rebuilds; Ctrl-C ends it at once.

    Args:
        jobs: Cores to use; all if not given.
        count: Of individuals.

    Raises:
        BreedError: A process was killed.
    """
    cores = jobs or default_jobs()
    size = min(cores, count // WORTH)
    if size < 2:
        yield Crew(1, jobs, None)
        return
    # Not forked: this process may have threads, which a fork would miss.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(size, context, _begin) as pool:
        try:
            yield Crew(size, max(cores // size, 1), pool)
        except BrokenProcessPool as exc:
            raise BreedError(
                "a process was killed, most often by the system for want of memory; "
                "use fewer --jobs"
            ) from exc
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """In a new process, which hears of Ctrl-C as the others do: it has nothing to tidy up."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
