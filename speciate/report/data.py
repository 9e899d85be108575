"""What the page's scripts are given: the family tree in columns, and the figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from speciate.report import labels
from speciate.report.choice import FRONTS, Group
from speciate.report.figure import Dots, Figure, rounded
from speciate.report.figures.pareto import axis
from speciate.report.people import Ints, People
from speciate.report.tree import Tree
from speciate.words import SHORT

Fronts = Mapping[tuple[int, int], Sequence[int]]


def page_data(
    people: People, tree: Tree, figures: Sequence[Figure], fronts: Fronts, recipes: Sequence[str]
) -> dict[str, Any]:
    """JSON values; individuals are called by their number in the tree."""
    nodes = {place: node for node, place in enumerate(tree.shown)}
    data = {
        "tasks": [_task(people, number) for number in range(len(people.tasks))],
        "people": _people(people, tree, nodes, recipes),
        "tree": {
            "parent": tree.parents,
            "y": tree.heights,
            "generation": tree.generations,
            "step": tree.steps,
            "gap": tree.gaps,
        },
        "groups": [_group(people, group) for group in tree.groups],
        "hidden": _hidden(people, tree),
        "champion": nodes[people.champion],
        "average": None if people.average is None else nodes.get(people.average),
        "living": [nodes[place] for place in people.living if place in nodes],
        "figures": [_figure(figure, nodes) for figure in figures],
        "fronts": _fronts(fronts, nodes),
    }
    made: dict[str, Any] = rounded(data)
    return made


def _task(people: People, number: int) -> dict[str, Any]:
    task = people.tasks[number]
    return {
        "name": labels.name(task.name),
        "metric": labels.name(task.metric),
        "higher": task.higher_is_better,
        "axis": axis(task),
        "paired": number < FRONTS,
    }


def _people(
    people: People, tree: Tree, nodes: Mapping[int, int], recipes: Sequence[str]
) -> dict[str, Any]:
    shown = list(tree.shown)
    table = _Words()
    return {
        "id": [people.ids[place] for place in shown],
        "name": {
            nodes[place]: labels.name(name)
            for place, name in people.names.items()
            if place in nodes
        },
        "fitness": people.fitness[shown].tolist(),
        "children": people.children[shown].tolist(),
        "operator": table.names(people.words, people.operators[shown]),
        "proposer": table.names(people.words, people.proposers[shown]),
        "reason": table.texts(people.words[code] for code in people.reasons[shown]),
        "error": table.texts(people.words[code] for code in people.errors[shown]),
        "recipe": table.texts(recipes),
        "parents": [_parents(people, place, nodes, table) for place in shown],
        "scores": people.values[:, shown].tolist(),
        "words": table.words,
    }


class _Words:
    """Each text once, told by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}

    @property
    def words(self) -> list[str]:
        """All, by number."""
        return list(self._numbers)

    def name(self, text: str) -> int:
        """Of one line."""
        return self._number(labels.name(text))

    def names(self, words: Sequence[str], codes: Ints) -> list[int]:
        """Of one line each."""
        known = {code: self.name(words[code]) for code in np.unique(codes).tolist()}
        return [known[code] for code in codes.tolist()]

    def texts(self, texts: Iterable[str]) -> list[int]:
        """Of several lines each."""
        return [self._number(labels.words(text)) for text in texts]

    def _number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))


def _parents(
    people: People, place: int, nodes: Mapping[int, int], table: _Words
) -> list[list[int | str]]:
    """Number, or abbreviated id of one that is not shown, and role."""
    begin, end = people.starts[place : place + 2].tolist()
    pairs = zip(people.parents[begin:end].tolist(), people.roles[begin:end].tolist(), strict=True)
    return [
        [nodes.get(parent, people.ids[parent][:SHORT]), table.name(people.words[role])]
        for parent, role in pairs
    ]


def _group(people: People, group: Group) -> dict[str, Any]:
    members = list(group.members)
    fitness = people.fitness[members]
    scored = fitness[~np.isnan(fitness)]
    return {
        "count": len(members),
        "failed": len(members) - len(scored),
        "best": float(scored.max()) if scored.size else None,
        "mean": float(scored.mean()) if scored.size else None,
        "first": int(people.steps[members].min()),
        "last": int(people.steps[members].max()),
    }


def _hidden(people: People, tree: Tree) -> dict[str, Any]:
    """Where those that are not shown are counted, by abbreviated id."""
    pairs = sorted(
        (people.ids[place][:SHORT], number)
        for number, group in enumerate(tree.groups)
        for place in group.members
    )
    return {
        "digits": SHORT,
        "ids": "".join(id_ for id_, _ in pairs),
        "group": [number for _, number in pairs],
    }


def _figure(figure: Figure, nodes: Mapping[int, int]) -> dict[str, Any]:
    made = asdict(figure)
    for layer, values in zip(figure.layers, made["layers"], strict=True):
        if isinstance(layer, Dots):
            values["people"] = [nodes.get(place, -1) for place in layer.people]
    return made


def _fronts(fronts: Fronts, nodes: Mapping[int, int]) -> dict[str, list[int]]:
    """As many of them as are shown, which are all unless they are very many."""
    return {
        f"{a},{b}": [nodes[place] for place in front if place in nodes]
        for (a, b), front in fronts.items()
    }
