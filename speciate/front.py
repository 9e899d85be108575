"""Which individuals are best at several tasks at once: Pareto fronts of the search scores."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from speciate.archive.archive import Archive
from speciate.configs.directions import higher_is_better
from speciate.errors import ArchiveError
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.goals import goals_of
from speciate.lineage import champion
from speciate.population.constraints import Violation
from speciate.population.goals import Goals
from speciate.population.pareto import dominates, pareto
from speciate.records import FOUNDER, Individual, Score

Known = Mapping[str, Individual]


@dataclass(frozen=True)
class Objective:
    """A task's search score."""

    task: str
    metric: str
    higher_is_better: bool

    def point(self, scores: Mapping[str, Score]) -> float:
        """The score turned so that higher is better; NaN if there is none."""
        if self.task not in scores:
            return math.nan
        value = scores[self.task].value
        return value if self.higher_is_better else -value


@dataclass(frozen=True)
class Entry:
    """An individual, its front from 1, its distance there, and what is only told of some.

    Attributes:
        gains: By task.
        violations: Constraints that it breaks; fronts know of none.
    """

    individual: Individual
    front: int
    crowding: float
    gains: Mapping[str, Gain] = field(default_factory=dict)
    violations: Sequence[Violation] = ()

    @property
    def scores(self) -> Mapping[str, Score]:
        """On the search splits."""
        return self.individual.evaluation.scores if self.individual.evaluation else {}

    @property
    def is_founder(self) -> bool:
        """Whether it was there from the beginning."""
        return self.individual.recipe.operator == FOUNDER


@dataclass(frozen=True)
class Front:
    """All individuals that were compared: by front, within it from the fittest, ties by id.

    Attributes:
        objectives: The tasks.
        entries: All that have a score on every task.
        reference: The fittest founder, over whom gains are.
        dominating: Who dominates each founder on all tasks at once, by the founder's id.
        failed: How many were left out for want of scores.
        known: All individuals of the archive.
        goals: What the campaign asks of them.
    """

    objectives: tuple[Objective, ...]
    entries: tuple[Entry, ...]
    reference: Individual
    dominating: Mapping[str, tuple[str, ...]]
    failed: int
    known: Known
    goals: Goals

    def rows(self, limit: int) -> list[Entry]:
        """The first `limit` entries (0 is all) and all founders, with gains and violations."""
        first = self.entries[:limit] if limit > 0 else self.entries
        rest = [entry for entry in self.entries[len(first) :] if entry.is_founder]
        return [
            replace(
                entry,
                gains=self._gains(entry),
                violations=self.goals.violations(entry.individual, self.known),
            )
            for entry in [*first, *rest]
        ]

    def _gains(self, entry: Entry) -> dict[str, Gain]:
        """Over the reference, where items are enough for an interval."""
        theirs = self.reference.evaluation.scores if self.reference.evaluation else {}
        return {
            one.task: paired_gain(
                entry.scores[one.task].items, theirs[one.task].items, one.higher_is_better
            )
            for one in self.objectives
            if entry.individual.id != self.reference.id and len(theirs[one.task].items) > 1
        }


def front(archive: Archive, tasks: Sequence[str] = (), living: bool = False) -> Front:
    """Sorts the individuals of an archive by fronts; test scores are never looked at.

    Args:
        archive: Of a campaign, finished or not.
        tasks: To compare on; all that have search scores if none are named.
        living: Compare only the living population and the founders.

    Raises:
        ArchiveError: Nobody was scored yet, or a task has no search scores.
    """
    known = archive.individuals
    founders = [one for one in known.values() if _founder(one)]
    if not any(one.evaluation for one in founders):
        raise ArchiveError("nobody has been scored yet; look again after the first step")
    goals = goals_of(archive.config)
    reference = champion({one.id: one for one in founders}, goals)
    objectives = _objectives(archive.config, reference, tasks)
    members = archive.state.members if living and archive.state else known
    pool = [one for one in known.values() if one.id in members or _founder(one)]
    points = {one.id: _point(one, objectives) for one in pool}
    placed = pareto(points)
    entries = [Entry(known[one.id], one.front, one.crowding) for one in placed]
    entries.sort(key=lambda one: (one.front, -one.individual.fitness, one.individual.id))
    ids = [entry.individual.id for entry in entries]
    return Front(
        objectives,
        tuple(entries),
        reference,
        {
            one.id: tuple(id_ for id_ in ids if dominates(points[id_], points[one.id]))
            for one in founders
        },
        len(pool) - len(placed),
        known,
        goals,
    )


def directions(config: Mapping[str, Any]) -> dict[str, bool]:
    """Whether higher is better, by the tasks of a campaign's config."""
    return {task["name"]: higher_is_better(task) for task in config["tasks"]}


def _objectives(
    config: Mapping[str, Any], scored: Individual, tasks: Sequence[str]
) -> tuple[Objective, ...]:
    scores = scored.evaluation.scores if scored.evaluation else {}
    higher = {task: up for task, up in directions(config).items() if task in scores}
    for task in tasks:
        if task not in higher:
            known = ", ".join(higher)
            raise ArchiveError(f"no search scores of task {task!r}; choose from: {known}")
    names = dict.fromkeys(tasks or higher)
    return tuple(Objective(name, scores[name].metric, higher[name]) for name in names)


def _point(one: Individual, objectives: Sequence[Objective]) -> tuple[float, ...]:
    scores = one.evaluation.scores if one.evaluation else {}
    return tuple(objective.point(scores) for objective in objectives)


def _founder(one: Individual) -> bool:
    return one.recipe.operator == FOUNDER


def front_json(found: Front, rows: Sequence[Entry]) -> dict[str, Any]:
    """As JSON values; an infinite crowding distance is null."""
    return {
        "tasks": [
            {
                "name": one.task,
                "metric": one.metric,
                "higher_is_better": one.higher_is_better,
            }
            for one in found.objectives
        ],
        "gains_over": found.reference.id,
        "compared": len(found.entries),
        "failed": found.failed,
        "front": [entry.individual.id for entry in found.entries if entry.front == 1],
        "individuals": [_entry_json(found, entry) for entry in rows],
    }


def _entry_json(found: Front, entry: Entry) -> dict[str, Any]:
    name = entry.individual.id
    return {
        "id": name,
        "operator": entry.individual.recipe.operator,
        "step": entry.individual.step,
        "front": entry.front,
        "crowding": entry.crowding if math.isfinite(entry.crowding) else None,
        "scores": {one.task: entry.scores[one.task].value for one in found.objectives},
        "gains": {
            task: {"mean": gain.mean, "interval_95": [gain.low, gain.high]}
            for task, gain in entry.gains.items()
        },
        "violations": [asdict(one) for one in entry.violations],
        "dominates": [founder for founder, over in found.dominating.items() if name in over],
    }


def front_csv(found: Front, rows: Sequence[Entry]) -> str:
    """As a table with a header; gains are over the fittest founder, which has none."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    parts = ("", " gain", " gain low", " gain high")
    tasks = [one.task for one in found.objectives]
    columns = [task + part for task in tasks for part in parts]
    write(["front", "id", "operator", "step", "crowding", "violations", *columns])
    for entry in rows:
        one = entry.individual
        cells: list[object] = [entry.front, one.id, one.recipe.operator, one.step, entry.crowding]
        cells.append("; ".join(broken.text for broken in entry.violations))
        for task in tasks:
            gain = entry.gains.get(task)
            cells += [entry.scores[task].value]
            cells += [gain.mean, gain.low, gain.high] if gain else ["", "", ""]
        write(cells)
    return text.getvalue()
