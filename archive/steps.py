"""Steps of a campaign: what each amounts to, and the tree of its commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from speciate.archive import manifest
from speciate.archive.message import step_message
from speciate.archive.repository import Node, Object
from speciate.records import State

POPULATION = "population"
"""The folder of a step in which each living member's commit is found under the member's id."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit on main in figures.

    Attributes:
        step: Number of the step.
        commit: Its hash.
        best: Highest fitness among the members; None when there are none.
        best_id: The first member that has it.
        mean: Mean fitness of the members; None when there are none.
        born: How many individuals were recorded, failed ones among them.
        failed: How many of these have no fitness.
        members: Size of the living population.
    """

    step: int
    commit: str
    best: float | None
    best_id: str | None
    mean: float | None
    born: int
    failed: int
    members: int

    @property
    def message(self) -> str:
        """The message of its commit."""
        fitness = "no members"
        if self.best is not None:
            fitness = f"best {self.best:.4f}, mean {self.mean:.4f}"
        subject = f"step {self.step}: {fitness}, {self.born} born, {self.failed} failed"
        return step_message(subject, self.best_id)


Fitness: TypeAlias = tuple[str, float | None]
"""An individual's id and fitness; None for one that failed."""


def summarize(step: int, commit: str, born: Sequence[Fitness], members: Sequence[Fitness]) -> Step:
    """The figures of a step with these individuals born and these members alive."""
    alive = {id_: fitness for id_, fitness in members if fitness is not None}
    best = max(alive, key=alive.__getitem__, default=None)
    return Step(
        step=step,
        commit=commit,
        best=alive[best] if best else None,
        best_id=best,
        mean=sum(alive.values()) / len(alive) if alive else None,
        born=len(born),
        failed=sum(fitness is None for _, fitness in born),
        members=len(members),
    )


def step_tree(
    config: Node, state: State, members: Mapping[str, Object], report: Mapping[str, Any] | None
) -> Node:
    """The tree of a step's commit.

    Args:
        config: The campaign's.
        state: After the step.
        members: The tree of each member's commit, by the member's id.
        report: Of the campaign's last step.

    Raises:
        ArchiveError: The state or the report is not JSON.
    """
    tree: dict[str, Node] = {
        "campaign.json": config,
        "state.json": manifest.pretty(state.to_json(), f"the state of step {state.step}"),
        POPULATION: members,
    }
    if report is not None:
        tree["report.json"] = manifest.pretty(dict(report), "the report")
    return {name: node for name, node in tree.items() if node != {}}
