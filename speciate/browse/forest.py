"""The family tree as lines to show: who descends from whom, without their names and scores."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Link: TypeAlias = tuple[int, int, str]
"""Numbers of a child and of a parent, and the parent's role."""

BASE = "base"


class Forest:
    """Parents and children by number; whoever has several parents hangs under the first model."""

    def __init__(self) -> None:
        self.count = 0
        self._parents: dict[int, list[int]] = {}
        self._first: dict[int, int] = {}
        self._children: dict[int, list[int]] = {}
        self._hanging: dict[int, list[int]] = {}
        self.roots: list[int] = []

    def grow(self, count: int, links: Iterable[Link]) -> None:
        """Take in those born since, up to number `count`, with all their parents in order."""
        for child, parent, role in links:
            parents = self._parents.setdefault(child, [])
            if parent not in parents:
                parents.append(parent)
                self._children.setdefault(parent, []).append(child)
            if role != BASE:
                self._first.setdefault(child, parent)
        for number in range(self.count + 1, count + 1):
            above = self.parent(number)
            if above is None:
                self.roots.append(number)
            else:
                self._hanging.setdefault(above, []).append(number)
        self.count = count

    def parent(self, number: int) -> int | None:
        """Under whom an individual hangs; None for a founder."""
        return self._first.get(number) or next(iter(self.parents(number)), None)

    def parents(self, number: int) -> Sequence[int]:
        """All parents, in the recipe's order."""
        return self._parents.get(number, ())

    def children(self, number: int) -> Sequence[int]:
        """All who name it as a parent, in order of birth."""
        return self._children.get(number, ())

    def hanging(self, number: int) -> Sequence[int]:
        """Those of its children that hang under it."""
        return self._hanging.get(number, ())

    def path(self, number: int) -> list[int]:
        """From a founder down to an individual, along first parents."""
        found, above = [number], self.parent(number)
        while above is not None:
            found.append(above)
            above = self.parent(above)
        return found[::-1]


@dataclass(frozen=True)
class Folds:
    """How far a tree is open.

    Attributes:
        depth: Levels that are shown where nothing else is said.
        opened: Numbers whose children are shown anyway.
        closed: Numbers whose children are not.
    """

    depth: int
    opened: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()

    def shows(self, number: int, level: int) -> bool:
        """Whether the children of one on a level, from 1, are shown."""
        return number in self.opened or (level < self.depth and number not in self.closed)

    def toggled(self, number: int, show: bool) -> "Folds":
        """With the children of one shown, or not."""
        if show:
            return Folds(self.depth, self.opened | {number}, self.closed - {number})
        return Folds(self.depth, self.opened - {number}, self.closed | {number})

    def revealing(self, numbers: Iterable[int]) -> "Folds":
        """With the children of all of these shown."""
        wanted = frozenset(numbers)
        return Folds(self.depth, self.opened | wanted, self.closed - wanted)


@dataclass
class Outline:
    """Lines of a tree from the top; the lists are of equal length.

    Attributes:
        numbers: Who stands on the line.
        above: The parent's line; -1 for none.
        levels: From 1.
        last: Whether it is the last below its parent.
        folded: Whether it has something below that is not shown.
        again: Whether it stands further up already, with what is below it.
    """

    numbers: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    last: list[bool] = field(default_factory=list)
    folded: list[bool] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)

    def guides(self, line: int) -> list[bool]:
        """For the line and those above it, outermost first: whether it is the last there."""
        found = []
        while line >= 0:
            found.append(self.last[line])
            line = self.above[line]
        return found[::-1]


def outline(roots: Sequence[int], below: Callable[[int], Sequence[int]], folds: Folds) -> Outline:
    """The lines of a tree, depth first; each individual is opened once, where it comes first."""
    found = Outline()
    seen: set[int] = set()
    stack = [(root, -1, 1, root == roots[-1]) for root in reversed(roots)]
    while stack:
        number, above, level, last = stack.pop()
        children = below(number)
        again, shown = number in seen, folds.shows(number, level)
        line = len(found.numbers)
        found.numbers.append(number)
        found.above.append(above)
        found.levels.append(level)
        found.last.append(last)
        found.again.append(again and bool(children))
        found.folded.append(bool(children) and not shown and not again)
        seen.add(number)
        if shown and not again:
            stack += [(one, line, level + 1, one == children[-1]) for one in reversed(children)]
    return found
