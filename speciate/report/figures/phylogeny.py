"""The family tree as a still picture; the page draws a live one from the same heights."""

from collections.abc import Iterable, Sequence

from speciate.report import labels
from speciate.report.figure import Dots, Figure, Layer, Line, Number
from speciate.report.people import People
from speciate.report.tree import Tree

_KINDS = 7
_MANY, _NAMED = 1000, 12


def phylogeny(people: People, tree: Tree) -> Figure:
    """All nodes by generation, coloured by the commonest operators."""
    best = tree.shown.index(people.champion)
    line = [best]
    while tree.parents[line[-1]] >= 0:
        line.append(tree.parents[line[-1]])
    layers: list[Layer] = [
        _edges(tree, "descent", range(len(tree.parents)), "faint", 0.6),
        _edges(tree, "main line of the champion", line, "accent", 1.6),
        *_operators(people, tree),
    ]
    if tree.groups:
        many = range(len(tree.shown), len(tree.parents))
        layers.append(_dots(tree, f"groups of {tree.left_out:,} others", many, "muted"))
    layers.append(
        Dots("champion", [tree.generations[best]], [tree.heights[best]], [""], "accent", "star", 14)
    )
    return Figure(
        "phylogeny",
        "Family tree",
        "Everyone hangs from the fittest parent.",
        "generation",
        "",
        layers,
        height=min(900, 260 + 14 * len(tree.parents)),
        bare=True,
    )


def _edges(tree: Tree, name: str, nodes: Iterable[int], colour: str, width: float) -> Line:
    """From parents to nodes, with right angles."""
    x: list[Number] = []
    y: list[Number] = []
    for node in nodes:
        parent = tree.parents[node]
        if parent >= 0:
            middle = tree.generations[parent] + 0.5
            x += [tree.generations[parent], middle, middle, tree.generations[node], None]
            y += [*[tree.heights[parent]] * 2, *[tree.heights[node]] * 2, None]
    return Line(name, x, y, colour, width)


def _operators(people: People, tree: Tree) -> list[Layer]:
    places: dict[int, list[int]] = {}
    for node, place in enumerate(tree.shown):
        places.setdefault(int(people.operators[place]), []).append(node)
    order = sorted(places, key=lambda code: (-len(places[code]), people.words[code]))
    layers: list[Layer] = [
        _dots(tree, labels.name(people.words[code]), places[code], str(number), people)
        for number, code in enumerate(order[:_KINDS])
    ]
    rest = sorted(node for code in order[_KINDS:] for node in places[code])
    return [*layers, _dots(tree, "other operators", rest, "muted")] if rest else layers


def _dots(
    tree: Tree, name: str, nodes: Sequence[int], colour: str, people: People | None = None
) -> Dots:
    """Founders among `people`, if they are few, have their names beside them."""
    x = [tree.generations[node] for node in nodes]
    y = [tree.heights[node] for node in nodes]
    names = people.names if people and len(people.names) <= _NAMED else {}
    written = [labels.name(names.get(tree.shown[node], "")) for node in nodes] if names else []
    size = 4 if len(tree.parents) < _MANY else 2.5
    return Dots(name, x, y, [], colour, size=size, labels=written)
