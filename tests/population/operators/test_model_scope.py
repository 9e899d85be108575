from collections.abc import Iterator

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.population.operators.model_scope import model_cuts
from speciate.population.operators.stages import top_k, top_k_rows, trim

VALUES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.0000001, 2.0, -3.5, 1e-40, 1e30, 65536.0])
TENSORS = st.lists(st.lists(VALUES, max_size=9), min_size=1, max_size=4)


def by_sorting(values: list[float], count: int) -> list[bool]:
    """The rule in its plainest form: magnitude descending, then index ascending."""
    magnitudes = torch.tensor(values).abs().tolist()
    order = sorted(range(len(values)), key=lambda i: (-magnitudes[i], i))
    return [i in order[:count] for i in range(len(values))]


@settings(max_examples=150, deadline=None)
@given(TENSORS, st.floats(0.01, 1))
def test_radix_search_keeps_what_sorting_keeps(lists: list[list[float]], density: float) -> None:
    tensors = {f"t{number}": torch.tensor(values) for number, values in enumerate(lists)}

    def vectors() -> Iterator[tuple[str, Tensor]]:
        return iter(tensors.items())

    cuts = model_cuts(vectors, density)
    kept = torch.cat([cuts[name].mask(tensor) for name, tensor in tensors.items()]).tolist()
    flat = [value for values in lists for value in values]
    assert kept == by_sorting(flat, int(density * len(flat)))


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, max_size=20), st.floats(0.01, 1))
def test_tensor_scope_keeps_what_sorting_keeps(values: list[float], density: float) -> None:
    kept = top_k(torch.tensor(values), density).tolist()
    assert kept == by_sorting(values, int(density * len(values)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=1, max_size=4))
def test_row_scope_is_tensor_scope_of_each_row(rows: list[list[float]]) -> None:
    assert top_k_rows(torch.tensor(rows), 0.5).tolist() == [by_sorting(row, 2) for row in rows]


def test_rows_of_odd_shapes() -> None:
    assert top_k_rows(torch.tensor(3.0), 0.5).tolist() is False
    assert top_k_rows(torch.zeros(0, 3), 0.5).shape == (0, 3)
    assert top_k_rows(torch.tensor([1.0, 2.0]), 0.5).tolist() == [False, True]
    assert top_k_rows(torch.ones(2, 2, 2), 0.5).sum() == 4


def test_large_model_agrees_with_topk() -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(1_100_000, generator=generator).bfloat16().float() * scale
        for name, scale in (("a", 1.0), ("b", 0.5))
    }
    cuts = model_cuts(lambda: iter(tensors.items()), 0.2)
    kept = [trim(tensor, cuts[name].mask(tensor)) for name, tensor in tensors.items()]
    flat = torch.cat(list(tensors.values()))
    best = flat.abs().topk(440_000).values.double().sum()
    assert sum(int(tensor.count_nonzero()) for tensor in kept) == 440_000
    assert sum(tensor.abs().double().sum() for tensor in kept) == best
