"""Trees as lines of a terminal: guides, and long lines of descent folded."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

FOLD = 3
"""A line of so many without branches is folded."""
_GUIDES = ("├─ ", "└─ ", "│  ")
_ASCII = ("|- ", "`- ", "|  ")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawn tree.

    Attributes:
        guides: What joins it to the lines above.
        key: Of the node; None where several are folded, or left out.
        folded: How many generations are.
        hidden: How many children are not drawn.
    """

    guides: str
    key: int | None
    folded: int = 0
    hidden: int = 0


def branches(
    roots: Sequence[int],
    children: Mapping[int, Sequence[int]],
    kept: Container[int],
    depth: int | None = None,
    ascii_only: bool = False,
) -> Iterator[Line]:
    """A forest, line by line. An only child stands straight below its parent, below no root.

    Args:
        roots: Keys, in order.
        children: Keys of those who have any; nobody has two parents.
        kept: Those that are never folded.
        depth: Levels to draw; all if None. What is folded is one.
        ascii_only: Draw with signs that any terminal has.
    """
    more, last, straight = _ASCII if ascii_only else _GUIDES
    stack = [(root, "", "", 1) for root in reversed(roots)]
    while stack:
        key, first, rest, level = stack.pop()
        folded, found = _folded(key, children, kept)
        if folded:
            yield Line(first, None, folded=folded)
            key, first, level = found, rest, level + 1
        yield Line(first, key)
        below = children.get(key, ())
        if depth is not None and level >= depth:
            if below:
                yield Line(rest + last, None, hidden=len(below))
        elif len(below) == 1 and rest:
            stack.append((below[0], rest, rest, level + 1))
        else:
            ends = [(more, straight)] * (len(below) - 1) + [(last, "   ")]
            pairs = zip(below, ends, strict=False)
            branch = [(k, rest + head, rest + tail, level + 1) for k, (head, tail) in pairs]
            stack += reversed(branch)


def _folded(
    key: int, children: Mapping[int, Sequence[int]], kept: Container[int]
) -> tuple[int, int]:
    """How many from `key` on can be folded, and who comes after them."""
    count, here = 0, key
    while here not in kept and len(children.get(here, ())) == 1:
        count, here = count + 1, children[here][0]
    return (count, here) if count >= FOLD else (0, key)
