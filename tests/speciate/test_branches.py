"""Drawn trees lose nobody and fold only lines without branches."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from speciate.branches import FOLD, branches

# Of each node but the first, its parent; -1 for another root.
forests = st.integers(1, 40).flatmap(
    lambda size: st.tuples(*(st.integers(max(-1, n - 4), n - 1) for n in range(1, size)))
)


def _children(parents: Sequence[int]) -> tuple[list[int], dict[int, list[int]]]:
    roots, children = [0], dict[int, list[int]]()
    for node, parent in enumerate(parents, 1):
        (roots if parent < 0 else children.setdefault(parent, [])).append(node)
    return roots, children


@given(forests, st.sets(st.integers(0, 40)))
def test_everybody_is_drawn_once_or_folded(parents: tuple[int, ...], kept: set[int]) -> None:
    roots, children = _children(parents)
    lines = list(branches(roots, children, kept))
    drawn = [line.key for line in lines if line.key is not None]
    assert len(drawn) == len(set(drawn))
    assert len(drawn) + sum(line.folded for line in lines) == len(parents) + 1
    size = len(parents) + 1
    assert set(drawn) >= {n for n in range(size) if n in kept or len(children.get(n, ())) != 1}
    assert all(line.folded >= FOLD for line in lines if line.key is None)


@given(forests)
def test_guides_tell_the_parent(parents: tuple[int, ...]) -> None:
    roots, children = _children(parents)
    lines = list(branches(roots, children, range(40)))
    at: dict[int, int] = {}  # who stands last at each depth of indentation
    for line in lines:
        assert line.key is not None
        depth = len(line.guides) // 3
        above = None
        if "─" in line.guides:
            above = at.get(depth - 1)
        elif depth:
            above = at[depth]
        expected = None if line.key in roots else parents[line.key - 1]
        assert above == expected
        at = {level: key for level, key in at.items() if level < depth} | {depth: line.key}


def test_a_tree_as_it_looks() -> None:
    children = {0: [1], 1: [2, 3], 2: [4], 4: [5], 5: [6], 3: [7], 6: [8, 9]}
    said = [
        f"{line.guides}{line.key if line.key is not None else f'{line.folded} folded'}"
        for line in branches([0], children, {0})
    ]
    assert said == [
        "0",
        "└─ 1",
        "   ├─ 3 folded",
        "   │  6",
        "   │  ├─ 8",
        "   │  └─ 9",
        "   └─ 3",
        "      7",
    ]


def test_depth_says_what_is_hidden() -> None:
    lines = list(branches([0], {0: [1, 2], 1: [3, 4, 5]}, (), depth=2, ascii_only=True))
    assert [(line.guides, line.key, line.hidden) for line in lines] == [
        ("", 0, 0),
        ("|- ", 1, 0),
        ("|  `- ", None, 3),
        ("`- ", 2, 0),
    ]
