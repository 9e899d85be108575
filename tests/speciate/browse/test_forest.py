"""The tree as lines: everybody once under the whole tree, folded and unfolded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.browse.forest import Folds, Forest, Link, outline

# 1 2 founders; 3 of 1 and 2; 4 of 3, its base is 2; 5 of 2, its base is 3; 6 of 4 and 5.
LINKS: list[Link] = [
    *[(3, 1, "model"), (3, 2, "model")],
    *[(4, 2, "base"), (4, 3, "model")],
    *[(5, 3, "base"), (5, 2, "model")],
    *[(6, 4, "model"), (6, 5, "model"), (6, 4, "model")],
]


def _forest() -> Forest:
    forest = Forest()
    forest.grow(6, LINKS)
    return forest


def test_children_hang_under_their_first_model() -> None:
    forest = _forest()
    assert forest.roots == [1, 2]
    assert {n: list(forest.hanging(n)) for n in range(1, 7)} == {
        **{1: [3], 2: [5], 3: [4]},
        **{4: [6], 5: [], 6: []},
    }
    assert forest.path(6) == [1, 3, 4, 6]
    assert list(forest.parents(6)) == [4, 5]
    assert list(forest.children(2)) == [3, 4, 5]


def test_a_forest_that_grows_is_the_same() -> None:
    whole, grown = _forest(), Forest()
    for count in (2, 3, 5, 6):
        grown.grow(count, [link for link in LINKS if link[0] <= count])
    assert grown.__dict__ == whole.__dict__


def test_depth_and_folds() -> None:
    forest = _forest()
    drawn = outline(forest.roots, forest.hanging, Folds(2))
    assert drawn.numbers == [1, 3, 2, 5]
    assert drawn.folded == [False, True, False, False]
    folds = Folds(2).toggled(3, True).toggled(2, False)
    drawn = outline(forest.roots, forest.hanging, folds)
    assert drawn.numbers == [1, 3, 4, 2]
    assert drawn.levels == [1, 2, 3, 1]
    assert drawn.folded == [False, False, True, True]
    assert outline(forest.roots, forest.hanging, folds.toggled(3, False)).numbers == [1, 3, 2]
    assert drawn.guides(2) == [False, True, True]
    revealed = Folds(1).revealing(forest.path(6)[:-1])
    assert outline(forest.roots, forest.hanging, revealed).numbers == [1, 3, 4, 6, 2]


def test_who_comes_again_is_not_opened_again() -> None:
    forest = _forest()
    drawn = outline([6], forest.parents, Folds(9))
    assert drawn.numbers == [6, 4, 2, 3, 1, 2, 5, 3, 2]
    assert [n for n, again in zip(drawn.numbers, drawn.again, strict=True) if again] == [3]
    drawn = outline([2], forest.children, Folds(9))
    assert drawn.numbers == [2, 3, 4, 6, 5, 6, 4, 5]


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(0, 10**6), min_size=0, max_size=3), max_size=60))
def test_everybody_is_in_the_whole_tree_once(drawn: list[list[int]]) -> None:
    links: list[Link] = [
        (child, 1 + parent % (child - 1), "model")
        for child, parents in enumerate(drawn, 1)
        if child > 1
        for parent in parents
    ]
    forest = Forest()
    forest.grow(len(drawn), links)
    found = outline(forest.roots, forest.hanging, Folds(10**9))
    assert sorted(found.numbers) == list(range(1, len(drawn) + 1))
    for line, above in enumerate(found.above):
        parent = forest.parent(found.numbers[line])
        assert (found.numbers[above] if above >= 0 else None) == parent
