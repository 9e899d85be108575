"""What a report says in words and tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speciate.archive.archive import Archive
from speciate.report import labels
from speciate.report.people import People
from speciate.report.success import Success
from speciate.report.tree import Tree
from speciate.results import Comparison, Results, results
from speciate.words import ended_early


@dataclass(frozen=True)
class Cell:
    """A figure in a table; `clear` if its interval excludes 0."""

    text: str
    interval: str = ""
    clear: bool = False


@dataclass(frozen=True)
class Tests:
    """The champion's test table, and its gains by measure over each other model."""

    measures: Sequence[str]
    metrics: Sequence[str]
    models: Mapping[str, Sequence[str]]
    over: Sequence[str]
    gains: Mapping[str, Sequence[Cell]]


def finished(archive: Archive) -> Results | None:
    """The final report, if the campaign has ended."""
    return results(archive) if archive.report is not None else None


def tests(found: Results) -> Tests:
    """As text; worse and better are told by the measures."""
    over = list(dict.fromkeys(one.other for one in found.comparisons))
    gains: dict[str, list[Cell]] = {}
    for one in found.comparisons:
        gains.setdefault(labels.name(one.measure), []).append(_cell(one))
    return Tests(
        [labels.name(measure.name) for measure in found.measures],
        [
            f"{labels.name(one.metric)} {'↑' if one.higher_is_better else '↓'}"
            for one in found.measures
        ],
        {
            labels.name(model.name): [f"{model.mean(one.name):.4f}" for one in found.measures]
            for model in found.models
        },
        [labels.name(name) for name in over],
        gains,
    )


def _cell(one: Comparison) -> Cell:
    gain = one.gain
    clear = gain.low > 0 or gain.high < 0
    return Cell(f"{gain.mean:+z.4f}", f"{gain.low:+z.4f} to {gain.high:+z.4f}", clear)


def facts(archive: Archive, people: People) -> dict[str, str]:
    """Counts at the head of the page."""
    failed = int((people.fitness != people.fitness).sum())
    return {
        "individuals": f"{len(people.ids):,}",
        "founders": f"{len(people.founders):,}",
        "generations": f"{int(people.generations.max()):,}",
        "steps": f"{archive.state.step if archive.state else 0:,}",
        "living": f"{len(people.living):,}",
        "failed": f"{failed:,}",
    }


def lead(archive: Archive, people: People, found: Results | None) -> list[str]:
    """What came of it, in sentences."""
    who = labels.individual(people, people.champion)
    fitness = people.fitness[people.champion]
    best = people.best_founder()
    title = "champion" if found else "champion so far"
    said = f"The {title} is {who}, with search fitness {fitness:.4f}"
    if best is not None:
        founder = labels.individual(people, best)
        said += f"; the best founder, {founder}, has {people.fitness[best]:.4f}"
    gains = found.comparisons[:2] if found else ()
    return [f"{said}.", *map(_gain, gains), *(_overfitting(found) if found else ())]


_WHERE = {
    "search": "on the search items that it was selected by",
    "validation": "on those kept for validation",
    "test": "on the test splits",
}


def _overfitting(found: Results) -> list[str]:
    """The champion's gain where selection looked, and where it did not; and an early end."""
    said = []
    if len(found.fitness) > 1:
        (name, first), (_, best) = found.fitness.items()
        gains = [
            f"{best[split] - first[split]:+z.4f} {_WHERE[split]}"
            for split in _WHERE
            if split in best
        ]
        said.append(
            f"In fitness it gains {', '.join(gains[:-1])} and {gains[-1]} over "
            f"{labels.name(name)}, the fittest founder."
        )
    if found.stopped:
        said.append(f"{labels.name(ended_early(found.stopped)).capitalize()}.")
    return said


def _gain(one: Comparison) -> str:
    average = one.other == "average"
    name = labels.name(one.other)
    other = "the founders' plain average" if average else f"{name}, the best founder there,"
    gain = one.gain
    clear = "" if gain.low > 0 or gain.high < 0 else ", which is not clearly different from none"
    return (
        f"On the test splits, which selection never saw, it gains {gain.mean:+z.4f} "
        f"[{gain.low:+z.4f}, {gain.high:+z.4f}] over {other} on "
        f"{labels.name(one.measure)}{clear}."
    )


def shown(people: People, tree: Tree) -> str:
    """How many the family tree draws of how many."""
    total = f"{len(people.ids):,}"
    if not tree.groups:
        return f"All {total} individuals are shown."
    return (
        f"{len(tree.shown):,} of {total} individuals are shown: founders, the champion and its "
        "ancestors, the living, Pareto fronts, those with most children and the fittest. "
        f"The other {tree.left_out:,} are counted in {len(tree.groups):,} groups (rings)."
    )


def about(archive: Archive) -> dict[str, Any]:
    """Where all this is from."""
    config = archive.config
    strategy = config.get("strategy")
    kind = strategy.get("type", "") if isinstance(strategy, Mapping) else ""
    return {
        "head": archive.head,
        "strategy": labels.name(str(kind)),
        "seed": labels.name(json.dumps(config.get("seed"))),
    }


def rows(found: Sequence[Success]) -> list[list[Cell]]:
    """The table of operators or agents."""
    return [
        [
            Cell(labels.name(one.name)),
            Cell(f"{one.offspring:,}"),
            Cell(f"{one.failed:,}"),
            Cell(f"{one.better:,}"),
            _mean(one),
        ]
        for one in found
    ]


def _mean(one: Success) -> Cell:
    if one.gain != one.gain:
        return Cell("")
    if one.low != one.low:
        return Cell(f"{one.gain:+z.4f}")
    clear = one.low > 0 or one.high < 0
    return Cell(f"{one.gain:+z.4f}", f"{one.low:+z.4f} to {one.high:+z.4f}", clear)
