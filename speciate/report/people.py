"""All individuals of an archive in columns: a hundred thousand in some tens of megabytes."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speciate.archive.archive import Archive
from speciate.archive.index.index import Index
from speciate.archive.index.rows import Row
from speciate.configs.directions import higher_is_better
from speciate.errors import ArchiveError
from speciate.progress import Progress
from speciate.records import FOUNDER

Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]
BASELINE, BASE = "baseline", "base"
NOBODY = -1
_AT_ONCE = 2000  # rows


@dataclass(frozen=True)
class Task:
    """A task that somebody has a search score on."""

    name: str
    metric: str
    higher_is_better: bool


@dataclass(frozen=True)
class People:
    """Individuals by their place, which is their order of birth: parents come before children.

    Attributes:
        ids: In full.
        names: Of founders, by place.
        steps: In which each was born.
        generations: 0 for founders.
        children: How many each has.
        fitness: NaN for those that failed.
        operators: Codes into `words`, as are the next three.
        proposers: The agent's arm, or else the proposer.
        reasons: In the proposer's words.
        errors: Why one failed; empty for others.
        words: Each text once.
        starts: Where in `parents` and `roles` those of each begin; one more than individuals.
        parents: Places.
        roles: Codes into `words`.
        main: The fittest parent that is no base, the parent that trees are drawn by; NOBODY for
            founders.
        values: Mean search scores by task; NaN where there are none.
        tasks: In the order of `values`.
        living: Places of the last population, in its order.
        average: Place of the plain average of the founders, if it was scored.
        champion: Place of the champion, or before the campaign's end of the fittest so far.
    """

    ids: Sequence[str]
    names: Mapping[int, str]
    steps: Ints
    generations: Ints
    children: Ints
    fitness: Floats
    operators: Ints
    proposers: Ints
    reasons: Ints
    errors: Ints
    words: Sequence[str]
    starts: Ints
    parents: Ints
    roles: Ints
    main: Ints
    values: Floats
    tasks: Sequence[Task]
    living: Sequence[int]
    average: int | None
    champion: int

    def family(self, place: int) -> list[int]:
        """Places of an individual's parents, in the recipe's order."""
        return [int(one) for one in self.parents[self.starts[place] : self.starts[place + 1]]]

    @property
    def founders(self) -> list[int]:
        """Their places."""
        return sorted(self.names)

    def best_founder(self) -> int | None:
        """The fittest founder, the first of equals, if one was scored."""
        scored = [one for one in self.founders if not np.isnan(self.fitness[one])]
        return max(scored, key=lambda one: (self.fitness[one], -one), default=None)


def people(archive: Archive, tell: Progress) -> People:
    """Reads all that the index knows, a few at a time.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    index = archive.index
    columns = _Columns(_tasks(archive, index))
    total = archive.individuals.count  # The index may be ahead.
    for row in _rows(index, total):
        columns.add(row)
        if len(columns.ids) % _AT_ONCE == 0 or len(columns.ids) == total:
            tell(len(columns.ids), total)
    champion = str(archive.report["champion"]) if archive.report else None
    return columns.done(archive.state.members if archive.state else (), champion)


def _rows(index: Index, total: int) -> Iterator[Row]:
    last = 0
    while total > 0:
        rows = index.rows("number > ?", [last], limit=min(_AT_ONCE, total))
        yield from rows
        if not rows:
            return
        last, total = rows[-1].number, total - len(rows)


def _tasks(archive: Archive, index: Index) -> list[Task]:
    """As the campaign orders them; those that it does not name come last."""
    metrics = index.tasks()
    higher = {str(task["name"]): _higher(task) for task in archive.config.get("tasks", ())}
    names = [
        *(name for name in higher if name in metrics),
        *(n for n in metrics if n not in higher),
    ]
    return [Task(name, metrics[name], higher.get(name, True)) for name in names]


def _higher(task: Mapping[str, Any]) -> bool:
    try:
        return higher_is_better(task)
    except KeyError:  # A kind of another version.
        return True


class _Columns:
    """Grows by one row at a time."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.ids: list[str] = []
        self._tasks = tasks
        self._places: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._words: dict[str, int] = {"": 0}
        self._ints = {
            name: array("i")
            for name in (
                *("steps", "generations", "children", "operators", "proposers", "reasons"),
                *("errors", "parents", "roles", "main"),
            )
        }
        self._starts = array("i", [0])
        self._fitness = array("d")
        self._values = [array("d") for _ in tasks]
        self._average: int | None = None

    def add(self, row: Row) -> None:
        """The next one born."""
        place = len(self.ids)
        if row.operator == FOUNDER:
            self._names[place] = row.name or row.id[:10]
        if row.proposer == BASELINE:
            self._average = place
        parents = [(self._places[kin.id], kin.role) for kin in row.parents]
        facts: dict[str, int] = {
            "steps": row.step,
            "generations": row.generation,
            "children": row.children,
            "operators": self._word(row.operator),
            "proposers": self._word(row.agent or row.proposer),
            "reasons": self._word(row.reason),
            "errors": self._word(row.error or ""),
            "main": self._main(parents),
        }
        for name, value in facts.items():
            self._ints[name].append(value)
        for parent, role in parents:
            self._ints["parents"].append(parent)
            self._ints["roles"].append(self._word(role))
        self._starts.append(len(self._ints["parents"]))
        self._fitness.append(np.nan if row.fitness is None else row.fitness)
        for task, column in zip(self._tasks, self._values, strict=True):
            column.append(row.values.get(task.name, np.nan))
        self._places[row.id] = place
        self.ids.append(row.id)

    def done(self, living: Sequence[str], champion: str | None) -> People:
        """All that was added."""
        fitness = np.array(self._fitness)
        if np.isnan(fitness).all():
            raise ArchiveError("nobody has been scored yet; look again after the first step")
        best = self._places[champion] if champion in self._places else int(np.nanargmax(fitness))
        ints = {name: np.array(column, np.int32) for name, column in self._ints.items()}
        return People(
            ids=self.ids,
            names=self._names,
            fitness=fitness,
            words=list(self._words),
            starts=np.array(self._starts, np.int32),
            values=np.array([np.array(one) for one in self._values]).reshape(-1, len(self.ids)),
            tasks=self._tasks,
            living=[self._places[id_] for id_ in living if id_ in self._places],
            average=self._average,
            champion=best,
            **ints,
        )

    def _word(self, text: str) -> int:
        return self._words.setdefault(text, len(self._words))

    def _main(self, parents: Sequence[tuple[int, str]]) -> int:
        bred = [place for place, role in parents if role != BASE] or [one for one, _ in parents]
        scored = [place for place in bred if not np.isnan(self._fitness[place])]
        return max(scored or bred, key=lambda one: (self._fitness[one], -one), default=NOBODY)
