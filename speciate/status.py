"""How far a campaign is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.broken import broken
from speciate.estimated import Estimated, estimated
from speciate.utilization import Utilization, utilization
from speciate.words import ended_early

if TYPE_CHECKING:
    from speciate.counsel.standing import Standing
    from speciate.population.constraints import Violation


@dataclass(frozen=True)
class Status:
    """What is known of a campaign at this moment.

    Attributes:
        archive: Of the campaign.
        living: Best first.
        constrained: Whether the campaign has constraints.
        broken: Constraints that each of the living breaks, by its id.
        last_step: What the telemetry tells of it.
        workers: Since the campaign was last started, if the telemetry tells of any.
        estimated: Candidates that were estimated, if the telemetry tells of any.
        agents: How they fare, in a campaign with agents.
    """

    archive: Archive
    living: Sequence[Row]
    constrained: bool
    broken: "Mapping[str, Sequence[Violation]]"
    last_step: Mapping[str, Any] | None
    workers: Utilization | None
    estimated: Estimated | None
    agents: "Standing | None"

    @property
    def breaking(self) -> frozenset[str]:
        """Ids of the living that break a constraint."""
        return frozenset(name for name, violations in self.broken.items() if violations)

    @property
    def failed(self) -> int:
        """How many candidates failed."""
        return self.archive.index.count("fitness IS NULL")

    @property
    def individuals(self) -> int:
        """How many were ever born."""
        return self.archive.index.count()

    @property
    def stale(self) -> int | None:
        """Children since the last new best, in a campaign that stops early."""
        return self.archive.state.stopping.get("children") if self.archive.state else None

    @property
    def stopped(self) -> str | None:
        """Why the campaign ended before its strategy did, if it did."""
        found = (self.archive.report or {}).get("stopped")
        return ended_early(found) if found else None

    @property
    def step(self) -> int:
        """Steps done."""
        return self.archive.state.step if self.archive.state else 0

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without the living."""
        return {
            "name": self.archive.config["name"],
            "head": self.archive.head,
            "step": self.step,
            "finished": self.archive.report is not None,
            "stale": self.stale,
            "stopped": self.stopped,
            "individuals": self.individuals,
            "failed": self.failed,
            "breaking": len(self.breaking),
            "last_step": self.last_step,
            "workers": self.workers.to_json() if self.workers else None,
            "estimated": self.estimated.to_json() if self.estimated else None,
            "agents": self.agents.short() if self.agents else None,
        }


def status_of(archive: Archive) -> Status:
    """The status of an archive as it was opened."""
    telemetry, living = archive.telemetry.read(), archive.index.living()
    return Status(
        archive=archive,
        living=living,
        constrained=bool(archive.config.get("constraints")),
        broken=broken(archive, [row.id for row in living]),
        last_step=next((facts for facts in reversed(telemetry) if "step" in facts), None),
        workers=utilization(telemetry),
        estimated=estimated(telemetry),
        agents=_agents(archive),
    )


def _agents(archive: Archive) -> "Standing | None":
    if not archive.config.get("agents"):
        return None
    from speciate.counsel.standing import standing_of  # Late: it takes numpy and all operators.

    return standing_of(archive)
