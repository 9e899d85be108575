"""Benchmark of the loop: how busy workers are with a barrier per generation, and with bounded lag.

The campaign's own loop, archive and strategies run as ever; only workers and clock are simulated:
each job takes as long as its recipe's digest says, 1 to 4 units, drawn uniformly. Prints the tables
of docs/benchmarks.md, and checks that the archive does not depend on the number of workers.
"""

import argparse
import hashlib
import heapq
import tempfile
from pathlib import Path

from pydantic import TypeAdapter

from speciate.archive.archive import Archive
from speciate.campaign import evolve
from speciate.configs import schema
from speciate.counsel import Nobody
from speciate.desk import Desk
from speciate.islands import Alone
from speciate.population.founders import Founder
from speciate.population.strategies import STRATEGIES
from speciate.records import Score
from speciate.stages import Stages
from speciate.stop import Stop
from speciate.watch import Recorder
from speciate.worker import Hello, Job, Outcome

SPREAD = 4.0
FOUNDERS = tuple(
    Founder(name, Path(name), hashlib.sha256(name.encode()).hexdigest(), name == "base")
    for name in ("base", "one", "two", "three", "four")
)


def drawn(name: str, purpose: str) -> float:
    """A number in [0, 1) that depends on an individual and on nothing else."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {name}".encode()).digest()[:6], "big") / 2**48


class SimulatedWorkers:
    """Implements `Workers` in a time of its own: `busy_time` of `workers` times `now` was used."""

    hello = Hello("simulated", 1024, 0.0)

    def __init__(self, workers: int, weights: Path) -> None:
        self.now, self.busy_time = 0.0, 0.0
        self._free, self._weights = workers, weights
        self._queue: list[Job] = []
        self._running: list[tuple[float, int, Job]] = []
        self._begun = 0

    @property
    def busy(self) -> int:
        return len(self._running)

    def withdraw(self) -> None:
        self._queue.clear()

    def submit(self, job: Job) -> None:
        self._queue.append(job)
        self._begin()

    def take(self) -> tuple[Job, Outcome]:
        self.now, _, job = heapq.heappop(self._running)
        self._free += 1
        self._begin()
        name = job.one.id
        digest = job.one.digest or hashlib.sha256(name.encode()).hexdigest()
        (self._weights / digest).mkdir(parents=True, exist_ok=True)
        scores = {"t": Score("bits/char", (1 + drawn(name, "score"),))}
        return job, Outcome(digest, scores, self.hello.fingerprint)

    def close(self) -> None: ...

    def _begin(self) -> None:
        while self._free and self._queue:
            job = self._queue.pop(0)
            seconds = 1 + (SPREAD - 1) * drawn(job.one.id, "time")
            self.busy_time += seconds
            heapq.heappush(self._running, (self.now + seconds, self._begun, job))
            self._free, self._begun = self._free - 1, self._begun + 1


def campaign(workers: int, strategy: dict[str, object], folder: Path) -> tuple[float, str]:
    """Share of the time that workers are busy, and the hash of the archive."""
    config = schema.Campaign.model_validate(
        {
            "name": "lag",
            "founders": {"base": "base", "models": [one.name for one in FOUNDERS[1:]]},
            "tasks": [{"name": "t", "kind": "likelihood", "search": "t", "test": "t"}],
            "strategy": strategy,
        }
    )
    parsed = TypeAdapter[schema.Strategy](schema.Strategy).validate_python(strategy)
    names = [one.recipe.id for one in FOUNDERS[1:]]
    made = STRATEGIES[parsed.type](parsed, 0, FOUNDERS[0].recipe.id, names)
    with Archive.create(folder, config.model_dump(mode="json")) as archive:
        simulated = SimulatedWorkers(workers, archive.weights.folder)
        desk = Desk(simulated, Stop(), lambda _job, _outcome: None)
        watch = Recorder(archive.telemetry, desk.work)
        evolve(Stages(config, FOUNDERS, made, Nobody(), desk, archive, watch, Alone()))
        return simulated.busy_time / (workers * simulated.now), archive.head


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=400)
    parser.add_argument("--workers", type=int, default=8)
    asked = parser.parse_args()
    generation = {"type": "genome", "population": 20, "crossover_rate": 1.0, "mutation_rate": 0.5}
    steady = {"type": "steady_state", "population": 20, "evaluations": asked.evaluations}
    rows: dict[str, dict[str, object]] = {
        "barrier per generation (genome, about 25 children)": generation
        | {"generations": asked.evaluations // 25}
    }
    for lag in (1, 2, 3, 4):
        name = f"bounded lag {lag * asked.workers}"
        rows[name] = steady | {"lag": lag * asked.workers}
    print(f"| {asked.workers} workers, times 1 to {SPREAD:g} | busy | archive with 1, 2, 4 |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, strategy) in enumerate(rows.items()):
            found = {
                workers: campaign(workers, strategy, Path(scratch) / f"{number}-{workers}")
                for workers in (1, 2, 4, asked.workers)
            }
            same = len({head for _, head in found.values()}) == 1
            busy = found[asked.workers][0]
            print(f"| {name} | {busy:.1%} | {'the same' if same else 'DIFFERENT'} |", flush=True)


if __name__ == "__main__":
    main()
