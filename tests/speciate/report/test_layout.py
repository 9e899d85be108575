"""Trees whose families stay together."""

from hypothesis import given
from hypothesis import strategies as st

from speciate.report.layout import layers, rows


@st.composite
def _forests(draw: st.DrawFn) -> list[int]:
    size = draw(st.integers(1, 40))
    return [draw(st.integers(-1, node - 1)) for node in range(size)]


def _below(parents: list[int], node: int) -> set[int]:
    found = {node}
    for child in range(node + 1, len(parents)):
        if parents[child] in found:
            found.add(child)
    return found


@given(_forests())
def test_no_leaf_of_another_family_stands_within_a_family(parents: list[int]) -> None:
    heights = rows(parents)
    leaves = set(range(len(parents))) - set(parents)
    assert len({heights[leaf] for leaf in leaves}) == len(leaves)
    for node in range(len(parents)):
        family = _below(parents, node)
        own = [heights[leaf] for leaf in leaves & family]
        assert min(own) <= heights[node] <= max(own)
        assert not any(min(own) < heights[leaf] < max(own) for leaf in leaves - family)


def test_small_families_come_first_and_equal_ones_in_order_of_birth() -> None:
    assert rows([-1, 0, 0, 1, 1]) == [0.75, 1.5, 0.0, 1.0, 2.0]
    assert rows([-1, -1, 0]) == [2.0, 0.0, 2.0]


def test_a_line_of_many_thousands_is_laid_out() -> None:
    assert set(rows(list(range(-1, 20_000)))) == {0.0}


def test_layers_put_the_linked_beside_each_other() -> None:
    columns = {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1}
    heights = layers(columns, [(3, 2), (4, 1), (5, 0)])
    assert [heights[node] for node in (3, 4, 5)] == [heights[node] for node in (2, 1, 0)]
    assert sorted(heights[node] for node in (0, 1, 2)) == [-1.0, 0.0, 1.0]
