"""The desk: hands each job out once, and has the results in any order they are asked for.

Workers finish in whatever order they like. A campaign asks for results in the order of its
proposals, so what it does depends neither on how many workers there are nor on how fast they are.
"""

from collections.abc import Callable, Iterable, Sequence

from speciate.evaluator.metered import Work
from speciate.stop import Stop
from speciate.worker import Job, Outcome, SplitName
from speciate.workers import Workers


class Desk:
    """Knows which jobs are out, and keeps results until they are asked for.

    Attributes:
        work: What engines have done so far, all together.
    """

    def __init__(
        self, workers: Workers, stop: Stop, arrived: Callable[[Job, Sequence[Outcome]], None]
    ) -> None:
        """Hands jobs to `workers` until `stop`, and tells `arrived` of the results of each."""
        self._workers, self._stop, self._arrived = workers, stop, arrived
        self._out: dict[tuple[SplitName, str], Job] = {}
        self._done: dict[tuple[SplitName, str], Outcome] = {}
        self.work = Work()

    @property
    def outstanding(self) -> Iterable[Job]:
        """Jobs that were handed out and have not come back, once for each of their individuals."""
        return self._out.values()

    def has(self, split: SplitName, name: str) -> bool:
        """Whether an individual was handed out, and its result not asked for yet."""
        return (split, name) in self._out or (split, name) in self._done

    def submit(self, job: Job) -> None:
        """Hands a job out."""
        self._out |= {(job.split, one.id): job for one in job.litter}
        self._workers.submit(job)

    def result(self, split: SplitName, name: str) -> Outcome:
        """The result of a job that was handed out, which is forgotten here; waits for it.

        Raises:
            KeyboardInterrupt: Somebody asked to stop; what was in flight is done and remembered.
            SpeciateError: See `Workers.take`.
        """
        while (split, name) not in self._done:
            self.heed()
            self._take()
        return self._done.pop((split, name))

    def heed(self) -> None:
        """Nothing, if nobody asked to stop.

        Raises:
            KeyboardInterrupt: Somebody did; what was in flight is done and remembered.
        """
        if self._stop.asked:
            self._finish()
            raise KeyboardInterrupt

    def _finish(self) -> None:
        """Waits for the jobs that were begun; their scores are found again when all goes on."""
        self._workers.withdraw()
        while self._workers.busy:
            self._take()

    def _take(self) -> None:
        job, outcomes = self._workers.take()
        for one, outcome in zip(job.litter, outcomes, strict=True):
            del self._out[job.split, one.id]
            self._done[job.split, one.id] = outcome
            self.work.add(outcome.work)
        self._arrived(job, outcomes)
