"""Where two lineages meet."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from speciate.archive.index.index import Index
from speciate.archive.index.rows import Row


@dataclass(frozen=True)
class Common:
    """A nearest common ancestor: none of the others descends from it.

    Attributes:
        id: The individual's; one of the two themselves if it is an ancestor of the other.
        before: Generations from the first back to it, on the shortest way.
        after: From the second.
    """

    id: str
    before: int
    after: int


def nearest_common(index: Index, before: str, after: str) -> list[Common]:
    """In order of birth, the youngest first; none if the two are not related."""
    ours, theirs = ({row.id: row for row in index.ancestors(name)} for name in (before, after))
    common = [row for name, row in ours.items() if name in theirs]
    older = {parent.id for row in common for parent in row.parents}
    nearest = [row for row in reversed(common) if row.id not in older]
    from_before, from_after = _distances(before, ours), _distances(after, theirs)
    return [Common(row.id, from_before[row.id], from_after[row.id]) for row in nearest]


def _distances(name: str, rows: Mapping[str, Row]) -> dict[str, int]:
    found, queue = {name: 0}, deque([name])
    while queue:
        current = queue.popleft()
        for parent in rows[current].parents:
            if parent.id not in found:
                found[parent.id] = found[current] + 1
                queue.append(parent.id)
    return found
