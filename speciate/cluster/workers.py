"""Workers on the cluster that this process has joined.

Ray places and starts the processes. What is done when one dies is decided here, so that a candidate
is begun again at most once a fault, and one that ends every worker is set aside.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from speciate.cluster.actors import Board, Depot, Servant
from speciate.cluster.connection import LOOK_S, REACH_S, first_line, needs, ray
from speciate.cluster.faults import Faults
from speciate.errors import ClusterError, EvaluationError, SpeciateError
from speciate.worker import Hello, Job, Outcome, Setup
from speciate.workers import SET_ASIDE

# A node that is about to be missed may take some new workers with it.
REST_S = 2.0


@dataclass
class _Seat:
    """A worker, or the place of one that has not come up yet."""

    number: int
    actor: Any
    doing: Any  # The object reference of its start, or of its job.
    failed_starts: int = 0  # Of those who were to have this place before, in a row.
    job: Job | None = None
    node: str = ""
    up: bool = False
    said: object = None
    since: float = field(default_factory=time.monotonic)


def _last_line(error: BaseException) -> str:
    """Where Ray says what happened; before it, it says to whom."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""


class RayWorkers:
    """Implements `Workers` on the cluster that this process has joined."""

    def __init__(self, setup: Setup, tell: Callable[[Mapping[str, Any]], None]) -> None:
        """Hires the workers, and waits for the first.

        Args:
            setup: What each begins with.
            tell: Takes what happens to workers, for the telemetry.

        Raises:
            SpeciateError: The first engine does not start.
        """
        self._ray, self._config, self._tell = ray(), setup.config, tell
        self._mark = setup.folder / f".here-{secrets.token_hex(8)}"
        self._mark.touch()
        self._board = self._beside(Board).remote()
        self._depot = self._beside(Depot).remote({one.name: one.path for one in setup.founders})
        self._setup = self._ray.put(setup)
        self._needs = needs(setup.config)
        self._queue: deque[Job] = deque()
        self._aside: deque[Job] = deque()
        self._faults = Faults(setup.config.cluster.attempts)
        self._hello: Hello | None = None
        self._seats = [self._hired(number) for number in range(setup.config.cluster.workers)]
        try:
            self.hello = self._first_hello()
        except BaseException:
            self.close()
            raise

    def _first_hello(self) -> Hello:
        while self._hello is None:
            self._look()
        return self._hello

    def submit(self, job: Job) -> None:
        """See `Workers.submit`."""
        self._queue.append(job)

    @property
    def busy(self) -> int:
        """See `Workers.busy`."""
        return sum(seat.job is not None for seat in self._seats) + len(self._aside)

    def withdraw(self) -> None:
        """See `Workers.withdraw`."""
        self._queue.clear()

    def take(self) -> tuple[Job, Sequence[Outcome]]:
        """See `Workers.take`."""
        while True:
            if self._aside:
                outcome = Outcome(None, error=SET_ASIDE, cause="workers died")
                return self._aside.popleft(), [outcome]
            self._assign()
            for done in self._look():
                return done

    def close(self) -> None:
        """See `Workers.close`."""
        for seat in self._seats:
            self._dismiss(seat)
        self._mark.unlink(missing_ok=True)

    def _assign(self) -> None:
        for seat in self._seats:
            if seat.up and seat.job is None and self._queue:
                seat.job = self._queue.popleft()
                seat.doing = seat.actor.carry_out.remote(seat.job)
                seat.since = time.monotonic()

    def _look(self) -> list[tuple[Job, Sequence[Outcome]]]:
        """Waits a moment, and looks who is up, who is done (one at most), who died, who hangs."""
        busy = {seat.doing: seat for seat in self._seats if seat.doing is not None}
        ready, _ = self._ray.wait(list(busy), num_returns=1, timeout=LOOK_S)
        if not ready:
            self._replace_hanging()
        done: list[tuple[Job, Sequence[Outcome]]] = []
        for reference in ready:
            seat = busy[reference]
            try:
                found = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as exc:
                self._raised(seat, exc.cause)
            except self._ray.exceptions.RayError as exc:
                self._fault(seat, f"{type(exc).__name__}: {_last_line(exc)}")
            else:
                if not seat.up:
                    self._greet(seat, *found)
                elif seat.job is not None:
                    outcomes = [replace(one, worker=seat.number) for one in found]
                    done.append((seat.job, outcomes))
                    seat.job, seat.doing = None, None
        return done

    def _greet(self, seat: _Seat, hello: Hello, node: str) -> None:
        first = self._hello or hello
        if hello.fingerprint != first.fingerprint:
            raise ClusterError(
                f"the engine on {node} is '{hello.fingerprint}', on the first node it is "
                f"'{first.fingerprint}': scores would depend on who measured; use equal nodes"
            )
        self._hello = first
        seat.up, seat.node, seat.doing, seat.failed_starts = True, node, None, 0
        facts = {"worker": seat.number, "node": node, "engine": hello.fingerprint}
        self._tell(facts | {"start_seconds": hello.start_seconds})

    def _raised(self, seat: _Seat, cause: BaseException) -> None:
        """What a worker raised: its engine may be at fault, or else nobody can go on."""
        mine = isinstance(cause, EvaluationError) and self._hello is not None
        if isinstance(cause, SpeciateError) and not mine:
            raise cause
        self._fault(seat, f"{type(cause).__name__}: {first_line(cause)}")

    def _replace_hanging(self) -> None:
        cluster = self._config.cluster
        with suppress(self._ray.exceptions.RayError):
            said = self._ray.get(self._board.read.remote(), timeout=REACH_S)
            for seat in self._seats:
                if said.get(seat.number) != seat.said:
                    seat.said, seat.since = said[seat.number], time.monotonic()
        for seat in self._seats:
            # Who was never heard of waits for resources.
            waits = seat.doing is None or seat.said is None
            patience = cluster.patience_s if seat.up else cluster.start_s
            if not waits and time.monotonic() - seat.since > patience:
                self._fault(seat, f"no progress for {patience:g} s")

    def _fault(self, seat: _Seat, reason: str) -> None:
        """Replaces a worker; its job is begun again, unless it has ended too many."""
        job, attempts = seat.job, self._config.cluster.attempts
        facts = {"fault": reason, "worker": seat.number, "node": seat.node}
        self._tell(facts | {"job": job.litter[0].id if job else None})
        self._dismiss(seat)
        failed_starts = 0 if seat.up else seat.failed_starts + 1
        if failed_starts:
            if failed_starts >= attempts:
                raise EvaluationError(
                    f"{attempts} engines in a row did not start ({reason}); look at the nodes' "
                    "memory and at the logs of Ray, and run again"
                )
            time.sleep(failed_starts * REST_S)
        if job is not None:
            again = self._faults.again(job)
            self._queue.extendleft(reversed(again))
            self._aside.extend([] if again else [job])
        self._seats[seat.number] = self._hired(seat.number, failed_starts)

    def _hired(self, number: int, failed_starts: int = 0) -> _Seat:
        """A new worker; it comes up when Ray has room for it."""
        servant = self._ray.remote(Servant).options(
            num_cpus=self._needs["CPU"],
            num_gpus=self._needs["GPU"],
            max_restarts=0,
            max_task_retries=0,
        )
        actor = servant.remote(number, self._board)
        doing = actor.begin.remote([self._setup], self._mark.name, self._depot)
        return _Seat(number, actor, doing, failed_starts)

    def _dismiss(self, seat: _Seat) -> None:
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(seat.actor)

    def _beside(self, kind: type) -> Any:  # noqa: ANN401
        """An actor class whose actors run on this process' own node, and take no room."""
        here = self._ray.get_runtime_context().get_node_id()
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        return self._ray.remote(kind).options(
            num_cpus=0, scheduling_strategy=strategy(here, soft=False)
        )
