"""Where individuals stand in drawings: families together, and the same each time."""

from collections.abc import Mapping, Sequence

_SWEEPS = 8


def rows(parents: Sequence[int]) -> list[float]:
    """Heights of a forest's nodes such that no two edges to parents cross.

    Leaves stand on rows of their own, with one row free between families; inner nodes stand midway
    between their first and last child. Small families come first (a "ladderized" phylogram).

    Args:
        parents: Of each node its parent's number, which is lower than its own; -1 for roots.
    """
    sizes = [1] * len(parents)
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] >= 0:
            sizes[parents[node]] += sizes[node]
    children: list[list[int]] = [[] for _ in parents]
    roots: list[int] = []
    for node in sorted(range(len(parents)), key=lambda node: (sizes[node], node)):
        (children[parents[node]] if parents[node] >= 0 else roots).append(node)
    heights = [0.0] * len(parents)
    row = 0
    for root in roots:
        row = _leaves(root, children, heights, row) + 1
    for node in range(len(parents) - 1, -1, -1):
        if children[node]:
            heights[node] = (heights[children[node][0]] + heights[children[node][-1]]) / 2
    return heights


def _leaves(root: int, children: Sequence[Sequence[int]], heights: list[float], row: int) -> int:
    """Gives leaves below `root` their rows, from `row` on; the next free one."""
    stack = [root]
    while stack:
        node = stack.pop()
        stack += reversed(children[node])
        if not children[node]:
            heights[node] = float(row)
            row += 1
    return row


def layers(columns: Mapping[int, int], edges: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Heights of nodes in columns, those joined by edges near each other (barycentre method).

    Args:
        columns: Of each node, in the order to begin with.
        edges: Pairs of nodes.
    """
    ranks: dict[int, list[int]] = {}
    for node, column in columns.items():
        ranks.setdefault(column, []).append(node)
    near: dict[int, list[int]] = {node: [] for node in columns}
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    heights: dict[int, float] = {}
    for members in ranks.values():
        _spread(members, heights)
    for sweep in range(_SWEEPS):
        for column in sorted(ranks, reverse=sweep % 2 == 1):
            ranks[column].sort(key=lambda node: _middle(node, near, heights))  # Stable.
            _spread(ranks[column], heights)
    return heights


def _middle(node: int, near: Mapping[int, Sequence[int]], heights: Mapping[int, float]) -> float:
    others = near[node]
    return sum(heights[one] for one in others) / len(others) if others else heights[node]


def _spread(members: Sequence[int], heights: dict[int, float]) -> None:
    for place, node in enumerate(members):
        heights[node] = place - (len(members) - 1) / 2
