from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.population.crew import Crew
from speciate.population.genome import BLOCK, Parents, Reader
from speciate.population.operators.operator import Grain, Locus
from speciate.population.operators.select import Cut, largest
from speciate.population.operators.stages import top_k_rows
from speciate.population.structure import Structure

Tensors = Mapping[str, Tensor]

VALUES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.0000001, 2.0, -3.5, 1e-40, 1e30, 65536.0])
MODEL = st.lists(st.lists(VALUES, min_size=1, max_size=9), min_size=1, max_size=4)


class Memory:
    """A `Source` of tensors in memory."""

    label = "memory"

    def __init__(self, tensors: Tensors) -> None:
        self.names = sorted(tensors)
        self._tensors = tensors

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._tensors[name].shape)

    def dtype(self, name: str) -> torch.dtype:
        return self._tensors[name].dtype

    def read(self, name: str, start: int, stop: int) -> Tensor:
        return self._tensors[name].reshape(-1)[start:stop]


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    with Crew(2) as crew:
        yield crew


def parents(crew: Crew, *models: Tensors) -> Parents:
    reader = Reader({"model": [Memory(model) for model in models]}, Grain.ELEMENT)
    names = sorted(models[0])
    return Parents(reader, names, Structure(names), {}, crew)


def models_of(locus: Locus) -> Sequence[Tensor]:
    return locus.models


def kept(genome: Parents, cuts: Sequence[Cut]) -> list[list[bool]]:
    """Per model, whether each element is kept, tensor after tensor."""
    masks = genome.map(
        lambda locus: [cut.mask(locus, v) for cut, v in zip(cuts, locus.models, strict=True)]
    )
    return [torch.cat(parts).tolist() for parts in zip(*masks, strict=True)]


def trimmed(genome: Parents, cuts: Sequence[Cut]) -> list[Tensor]:
    parts = genome.map(
        lambda locus: [cut.trim(locus, v) for cut, v in zip(cuts, locus.models, strict=True)]
    )
    return [torch.cat(part) for part in zip(*parts, strict=True)]


def by_sorting(flat: Tensor, count: int) -> Tensor:
    """The rule in its plainest form: magnitude descending, then index ascending."""
    order = flat.abs().sort(descending=True, stable=True).indices
    return torch.zeros(len(flat), dtype=torch.bool).scatter_(0, order[:count], True)


@settings(max_examples=150, deadline=None)
@given(MODEL, st.floats(0.01, 1), st.floats(0.01, 1))
def test_largest_of_a_model_are_those_that_sorting_finds(
    crew: Crew, lists: list[list[float]], density: float, other: float
) -> None:
    first = {f"t{number}": torch.tensor(values) for number, values in enumerate(lists)}
    second = {name: tensor.flip(0) * -2 for name, tensor in first.items()}
    genome = parents(crew, first, second)
    cuts = largest(genome, models_of, [density, other])
    for model, fraction, found, rest in zip(
        (first, second), (density, other), kept(genome, cuts), trimmed(genome, cuts), strict=True
    ):
        flat = torch.cat(list(model.values()))
        expected = by_sorting(flat, int(fraction * len(flat)))
        assert found == expected.tolist()
        assert torch.equal(rest, flat * expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(0.01, 1))
def test_largest_of_a_matrix_are_those_that_sorting_finds(
    crew: Crew, values: list[float], density: float
) -> None:
    flat = torch.tensor(values)
    for view in parents(crew, {"a": flat, "b": flat.flip(0)}).views():
        cut = largest(view, models_of, [density])[0]
        whole = view.one(0)
        expected = by_sorting(whole.models[0], int(density * len(values)))
        assert cut.mask(whole, whole.models[0]).tolist() == expected.tolist()


def wide(seed: int, size: int) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


LARGE: dict[str, Callable[[], dict[str, Tensor]]] = {
    "smooth": lambda: {"a": wide(0, BLOCK + 999), "b": wide(1, 12_345) * 0.5},
    "bfloat16": lambda: {"a": wide(0, BLOCK + 999).bfloat16(), "b": wide(1, 2 * BLOCK).bfloat16()},
    "signs": lambda: {"a": wide(0, BLOCK + 999).sign(), "b": wide(1, 2 * BLOCK).sign()},
    "zeros": lambda: {"a": torch.zeros(BLOCK + 999), "b": wide(1, 77)},
    # A sample of the middle of each block sees none of what is large here.
    "misleading": lambda: {"a": torch.cat([wide(0, 9_999) * 1e6, torch.ones(2 * BLOCK)])},
}


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("density", [1e-6, 0.01, 0.2, 0.999, 1.0])
def test_largest_of_many_blocks(crew: Crew, kind: str, density: float) -> None:
    model = LARGE[kind]()
    genome = parents(crew, model)
    flat = torch.cat([tensor.float() for tensor in model.values()])
    expected = by_sorting(flat, int(density * len(flat)))
    cuts = largest(genome, models_of, [density])
    assert torch.equal(torch.tensor(kept(genome, cuts)[0]), expected)
    assert torch.equal(trimmed(genome, cuts)[0], flat * expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=1, max_size=4))
def test_row_scope_is_tensor_scope_of_each_row(rows: list[list[float]]) -> None:
    expected = [by_sorting(torch.tensor(row), 2).tolist() for row in rows]
    assert top_k_rows(torch.tensor(rows), 0.5).tolist() == expected


@pytest.mark.parametrize(
    ("rows", "count"),
    [(torch.zeros(0, 3), 0), (torch.tensor([[1.0, 2.0]]), 1), (torch.ones(2, 2, 2), 4)],
)
def test_rows_of_odd_shapes(rows: Any, count: int) -> None:
    mask = top_k_rows(rows, 0.5)
    assert mask.shape == rows.shape
    assert int(mask.sum()) == count
