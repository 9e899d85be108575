"""Jobs that ended workers: which are begun again, and which are given up."""

from dataclasses import replace

from speciate.worker import Job, SplitName


class Faults:
    """Counts the workers that each job has ended."""

    def __init__(self, attempts: int) -> None:
        """Gives a job up that has ended this many."""
        self._attempts = attempts
        self._counts: dict[tuple[SplitName, tuple[str, ...]], int] = {}

    def again(self, job: Job) -> list[Job]:
        """What is to be begun after a job has ended one more worker; nothing if it is given up.

        Of several individuals that were scored together, each is then tried alone, once, so that
        only those are given up that end a worker by themselves.
        """
        names = tuple(one.id for one in job.litter)
        key = job.split, names
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] < self._attempts:
            return [job]
        if len(names) == 1:
            return []
        self._counts |= {(job.split, (name,)): self._attempts - 1 for name in names}
        return [replace(job, litter=(one,)) for one in job.litter]
