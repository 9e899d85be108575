"""The family tree as a still picture; the page draws a live one from the same heights."""

from collections.abc import Sequence

from speciate.report import labels
from speciate.report.figure import Dots, Figure, Layer, Line, Number
from speciate.report.people import People
from speciate.report.tree import Tree

_KINDS = 7


def phylogeny(people: People, tree: Tree) -> Figure:
    """All nodes by generation, coloured by the commonest operators."""
    x: list[Number] = []
    y: list[Number] = []
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            middle = tree.generations[parent] + 0.5
            x += [tree.generations[parent], middle, middle, tree.generations[node], None]
            y += [
                tree.heights[parent],
                tree.heights[parent],
                tree.heights[node],
                tree.heights[node],
                None,
            ]
    layers: list[Layer] = [Line("descent", x, y, "faint", 0.6)]
    layers += _operators(people, tree)
    if tree.groups:
        many = range(len(tree.shown), len(tree.parents))
        layers.append(_dots(people, tree, f"groups of {tree.left_out:,} others", many, "muted", 4))
    best = tree.shown.index(people.champion)
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
        height=900,
        bare=True,
    )


def _operators(people: People, tree: Tree) -> list[Layer]:
    places: dict[int, list[int]] = {}
    for node, place in enumerate(tree.shown):
        places.setdefault(int(people.operators[place]), []).append(node)
    order = sorted(places, key=lambda code: (-len(places[code]), people.words[code]))
    layers: list[Layer] = [
        _dots(people, tree, labels.name(people.words[code]), places[code], str(number), 4)
        for number, code in enumerate(order[:_KINDS])
    ]
    rest = sorted(node for code in order[_KINDS:] for node in places[code])
    return [*layers, _dots(people, tree, "other operators", rest, "muted", 4)] if rest else layers


def _dots(
    people: People, tree: Tree, name: str, nodes: Sequence[int], colour: str, size: float
) -> Dots:
    x = [tree.generations[node] for node in nodes]
    return Dots(name, x, [tree.heights[node] for node in nodes], [], colour, size=size)
