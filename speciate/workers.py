"""Who carries jobs out, several at a time."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from speciate.worker import Hello, Job, Outcome, Setup, Start, Worker

SET_ASIDE = "it ended every worker that tried it; set aside"


class Workers(Protocol):
    """Carries jobs out, several at a time if it can."""

    hello: Hello

    @property
    def busy(self) -> int:
        """How many jobs were begun and not taken."""

    def submit(self, job: Job) -> None:
        """One more job; it is begun when a worker is free."""

    def withdraw(self) -> None:
        """Forgets the jobs that were not begun."""

    def take(self) -> tuple[Job, Sequence[Outcome]]:
        """Waits until some job is done, or its part for one of its individuals.

        Returns:
            What was done, and an outcome an individual.

        Raises:
            SpeciateError: What no other worker could do better: damage, or no engine starts.
        """

    def close(self) -> None:
        """Takes the engines down; jobs that are not done are dropped."""


class InProcess:
    """Implements `Workers` by one worker in this process, which does one job after another."""

    def __init__(self, setup: Setup, start: Start) -> None:
        """Starts the engine."""
        self._worker = Worker(setup, start)
        self._queue: deque[Job] = deque()
        self.hello = self._worker.hello
        self.busy = 0  # Between calls, nothing is being done.

    def submit(self, job: Job) -> None:
        """See `Workers.submit`."""
        self._queue.append(job)

    def withdraw(self) -> None:
        """See `Workers.withdraw`."""
        self._queue.clear()

    def take(self) -> tuple[Job, Sequence[Outcome]]:
        """See `Workers.take`."""
        job = self._queue.popleft()
        return job, self._worker.carry_out(job)

    def close(self) -> None:
        """See `Workers.close`."""
        self._worker.close()
