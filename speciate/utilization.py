"""How many workers a campaign has and how busy they are, by its telemetry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]


@dataclass
class WorkerUse:
    """One worker since the campaign was last started; others that took its place included.

    Attributes:
        node: Where it runs; empty if it is the campaign's own process.
        since: When it first came up, in Unix seconds; None if it has not.
        seconds: That it worked.
        jobs: That it did.
        faults: How often it had to be replaced.
    """

    worker: int
    node: str = ""
    since: float | None = None
    seconds: float = 0.0
    jobs: int = 0
    faults: int = 0

    def busy(self, now: float) -> float | None:
        """Share of the time until `now` in which it worked; None if it has not had any."""
        if self.since is None or now <= self.since:
            return None
        return min(self.seconds / (now - self.since), 1.0)


@dataclass(frozen=True)
class Utilization:
    """All workers since the campaign was last started.

    Attributes:
        asked: How many there should be, if that is known.
        workers: Those that were heard of, by number.
        now: When the last fact was written, in Unix seconds.
    """

    asked: int | None
    now: float
    workers: Mapping[int, WorkerUse] = field(default_factory=dict)

    @property
    def up(self) -> int:
        """How many have come up."""
        return sum(one.since is not None for one in self.workers.values())

    @property
    def faults(self) -> int:
        """How often any had to be replaced."""
        return sum(one.faults for one in self.workers.values())

    @property
    def shares(self) -> list[float]:
        """How busy each is that had the time."""
        shares = [one.busy(self.now) for one in self.workers.values()]
        return [share for share in shares if share is not None]

    def line(self) -> str:
        """Such as "12 of 16 workers, 3 faults, busy 96% (88% to 99%)"."""
        of = f" of {self.asked}" if self.asked and self.asked != self.up else ""
        words = [f"{self.up}{of} worker{'s' * ((self.asked or self.up) != 1)}"]
        if self.faults:
            words.append(f"{self.faults} fault{'s' * (self.faults > 1)}")
        if shares := self.shares:
            span = f" ({min(shares):.0%} to {max(shares):.0%})" if len(shares) > 1 else ""
            words.append(f"busy {sum(shares) / len(shares):.0%}{span}")
        return ", ".join(words)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        each = [
            {
                "worker": one.worker,
                "node": one.node or None,
                "jobs": one.jobs,
                "faults": one.faults,
                "busy": one.busy(self.now),
            }
            for _, one in sorted(self.workers.items())
        ]
        return {"asked": self.asked, "up": self.up, "faults": self.faults, "each": each}


def utilization(telemetry: Sequence[Facts]) -> Utilization | None:
    """What the telemetry tells of workers since the campaign was last started; None if nothing."""
    starts = [index for index, facts in enumerate(telemetry) if "started" in facts]
    lines = telemetry[starts[-1] :] if starts else telemetry
    workers: dict[int, WorkerUse] = {}
    for facts in lines:
        if facts.keys() & {"start_seconds", "fault", "work_seconds"}:
            number = facts.get("worker", 0)
            _count(workers.setdefault(number, WorkerUse(number)), facts)
    if not workers:
        return None
    return Utilization(lines[0].get("workers") if starts else None, lines[-1]["time"], workers)


def _count(one: WorkerUse, facts: Facts) -> None:
    if "start_seconds" in facts:
        one.node = facts.get("node", "")
        one.since = one.since or facts["time"]
    elif "fault" in facts:
        one.faults += 1
    else:
        one.jobs += 1
        one.seconds += facts["work_seconds"]
