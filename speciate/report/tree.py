"""The family tree that a report draws: individuals, and groups of those that are not drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speciate.report.choice import Choice, Group
from speciate.report.layout import rows
from speciate.report.people import NOBODY, People


@dataclass(frozen=True)
class Tree:
    """Nodes are individuals in order of birth, and after them the groups.

    Attributes:
        shown: Places of the individuals.
        groups: What hangs from them besides.
        parents: Of each node its parent's number; NOBODY for roots.
        heights: See `layout.rows`.
        generations: Of individuals, and the mean of groups.
        steps: Likewise.
        gaps: How many that are not drawn lie between an individual and its parent in the tree.
    """

    shown: Sequence[int]
    groups: Sequence[Group]
    parents: Sequence[int]
    heights: Sequence[float]
    generations: Sequence[float]
    steps: Sequence[float]
    gaps: Sequence[int]

    @property
    def left_out(self) -> int:
        """How many individuals the groups count."""
        return sum(len(group.members) for group in self.groups)


def tree(people: People, choice: Choice) -> Tree:
    """Lays out what was chosen."""
    nodes = {place: node for node, place in enumerate(choice.shown)} | {NOBODY: NOBODY}
    parents = [nodes[int(choice.anchors[place])] for place in choice.shown]
    parents += [nodes[group.anchor] for group in choice.groups]
    members = [np.array(group.members) for group in choice.groups]
    return Tree(
        choice.shown,
        choice.groups,
        parents,
        rows(parents),
        [
            *people.generations[list(choice.shown)].tolist(),
            *(float(people.generations[one].mean()) for one in members),
        ],
        [
            *people.steps[list(choice.shown)].tolist(),
            *(float(people.steps[one].mean()) for one in members),
        ],
        [_gap(people, choice, place) for place in choice.shown],
    )


def _gap(people: People, choice: Choice, place: int) -> int:
    gap, above, anchor = 0, int(people.main[place]), int(choice.anchors[place])
    while above != anchor:
        gap, above = gap + 1, int(people.main[above])
    return gap
