"""Who is rebuilt before whom, and how long whose weights are needed."""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from speciate.archive.index.rows import Row
from speciate.records import FOUNDER


class Order:
    """Individuals to be rebuilt, with their ancestors, parents first.

    Attributes:
        rows: Of all that are to be rebuilt; founders and those without weights are not.
        blocked: Ids of those that descend from one that could not be rebuilt.
    """

    def __init__(self, names: Iterable[str], family: Mapping[str, Row]) -> None:
        """Takes the ids of individuals, and them and all their ancestors by id."""
        self.rows = _parents_first(names, family)
        self.blocked: set[str] = set()
        self._place = {row.id: place for place, row in enumerate(self.rows)}
        self._parents = {row.id: self._inner(row) for row in self.rows}
        self._children: dict[str, list[str]] = {row.id: [] for row in self.rows}
        for child, parents in self._parents.items():
            for parent in parents:
                self._children[parent].append(child)
        self._waits = {child: len(parents) for child, parents in self._parents.items()}
        self._uses = {parent: len(children) for parent, children in self._children.items()}
        self._ready = [self._place[name] for name, waits in self._waits.items() if not waits]

    def take(self) -> Row | None:
        """The first in order whose parents are all rebuilt, once; None if there is none now."""
        return self.rows[heapq.heappop(self._ready)] if self._ready else None

    def rebuilt(self, name: str) -> list[str]:
        """Takes note that one is done.

        Returns:
            Ids of those whose weights nobody needs any more.
        """
        for child in self._children[name]:
            self._waits[child] -= 1
            if not self._waits[child] and child not in self.blocked:
                heapq.heappush(self._ready, self._place[child])
        return self._let_go(name) + ([] if self._uses[name] else [name])

    def failed(self, name: str) -> list[str]:
        """Takes note that one cannot be rebuilt: nobody who descends from it can.

        Returns:
            As `rebuilt` does.
        """
        spent, stack = self._let_go(name), [name]
        while stack:
            for child in self._children[stack.pop()]:
                if child not in self.blocked:
                    self.blocked.add(child)
                    spent += self._let_go(child)
                    stack.append(child)
        return spent

    def _let_go(self, name: str) -> list[str]:
        """The parents whom this one was the last to need."""
        for parent in self._parents[name]:
            self._uses[parent] -= 1
        return [parent for parent in self._parents[name] if not self._uses[parent]]

    def _inner(self, row: Row) -> list[str]:
        """Parents that are to be rebuilt themselves."""
        return [name for name in dict.fromkeys(p.id for p in row.parents) if name in self._place]


def most_at_once(order: Order) -> int:
    """How many have weights at one time, if they are rebuilt one by one; uses the order up."""
    held = most = 0
    while row := order.take():
        held += 1
        most = max(most, held)
        held -= len(order.rebuilt(row.id))
    return most


def _parents_first(names: Iterable[str], family: Mapping[str, Row]) -> Sequence[Row]:
    """Without recursion: a lineage may be thousands of generations deep."""
    order: dict[str, Row] = {}
    stack = [(name, False) for name in list(names)[::-1]]
    while stack:
        name, parents_done = stack.pop()
        row = family[name]
        if name in order or row.operator == FOUNDER or row.digest is None:
            continue
        if parents_done:
            order[name] = row
            continue
        stack.append((name, True))
        stack += [(parent.id, False) for parent in row.parents[::-1]]
    return list(order.values())
