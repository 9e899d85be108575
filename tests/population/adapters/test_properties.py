"""What holds for any adapters."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from speciate.configs.operators.adapters import PARAMETERS
from speciate.errors import ModelError
from speciate.population.adapters import OPERATORS, Adapter, Factors, breed_adapter
from speciate.population.adapters.breed import modules
from speciate.population.adapters.factors import truncated_matrix
from speciate.population.adapters.operator import Module
from speciate.population.randomness import stream
from speciate.population.threads import set_num_threads

BY_NAME = {one.name: one for one in OPERATORS}
ALONE = ("lora_compeft", "lora_gaussian")
WHOLE: dict[str, dict[str, Any]] = {
    "lora_svd": {"rank": 99},
    "lora_cat": {},
    "knots": {"rank": 99, "consensus": "none", "density": 1.0},
}
Make = Callable[..., Adapter]
SEEDS = st.integers(0, 2**32)


def factors(seed: int, rank: int, scale: float = 1.0) -> Factors:
    numbers = stream(seed, str(rank))
    return Factors(numbers.normal((rank, 5)), numbers.normal((6, rank)), scale)


def merge(name: str, parts: list[Factors | None], **values: Any) -> Tensor:
    operator = BY_NAME[name]
    module = Module("m", tuple(parts), lambda number: stream(0, str(number)))
    return operator.merge(module, operator.parameters.model_validate(values), None).delta()


def close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=2e-4, rtol=1e-4)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.lists(st.floats(-2, 2), min_size=1, max_size=4), st.integers(1, 6))
def test_products_are_summed(seed: int, weights: list[float], rank: int) -> None:
    parts = [factors(seed + n, 1 + (rank + n) % 4, 0.5 + n) for n in range(len(weights))]
    expected = sum(
        (part.delta() * weight for part, weight in zip(parts, weights, strict=True)),
        torch.zeros(6, 5),
    )
    for name, values in WHOLE.items():
        result = merge(name, list(parts), weights=weights, normalize=False, **values)
        assert close(result, expected)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.lists(st.floats(0.1, 2), min_size=1, max_size=4))
def test_equal_adapters_give_themselves(seed: int, weights: list[float]) -> None:
    one = factors(seed, 3, 1.5)
    for name in ("lora_svd", "lora_cat", "lora_linear", "knots"):
        values = {"density": 1.0} if name == "knots" else {}
        assert close(merge(name, [one] * len(weights), weights=weights, **values), one.delta())


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.permutations([0, 1, 2]))
def test_the_order_of_adapters_does_not_matter(seed: int, order: list[int]) -> None:
    parts = [factors(seed + n, 2) for n in range(3)]
    weights = (0.2, 0.3, 0.5)
    for operator in OPERATORS:
        if operator.name in ALONE:
            continue
        weighted = "weights" in PARAMETERS[operator.name].model_fields
        results = [
            merge(
                operator.name,
                [parts[n] for n in chosen],
                **({"weights": [weights[n] for n in chosen]} if weighted else {}),
            )
            for chosen in ([0, 1, 2], order)
        ]
        assert close(*results)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.1, 4))
def test_a_scale_may_be_in_alpha_or_in_b(seed: int, scale: float) -> None:
    one, two = factors(seed, 2, scale), factors(seed + 1, 2)
    folded = Factors(one.a, one.scaled_b)
    for operator in OPERATORS:
        if operator.name not in ALONE:
            pair = merge(operator.name, [one, two]), merge(operator.name, [folded, two])
            assert close(*pair)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_an_update_does_not_depend_on_how_it_is_factored(seed: int) -> None:
    """In product space; the factor-wise operators cannot promise it."""
    one, two = factors(seed, 2), factors(seed + 1, 2)
    turn = torch.tensor([[2.0, 1.0], [1.0, 1.0]])
    turned = Factors(torch.linalg.inv(turn) @ one.a, one.b @ turn)
    for name, values in WHOLE.items():
        assert close(merge(name, [turned, two], **values), merge(name, [one, two], **values))
    ties = {"consensus": "ties", "rank": 4}
    assert close(merge("lora_svd", [turned, two], **ties), merge("lora_svd", [one, two], **ties))


@pytest.mark.parametrize("name", list(WHOLE))
def test_a_missing_module_is_an_update_of_zero(name: str) -> None:
    one, zero = factors(1, 2), Factors(torch.zeros(2, 5), torch.zeros(6, 2))
    expected = merge(name, [one, zero], **WHOLE[name])
    assert close(merge(name, [one, None], **WHOLE[name]), expected)
    assert close(expected, one.delta() / 2)


@pytest.mark.parametrize("operator", [one.name for one in OPERATORS])
def test_bytes_do_not_depend_on_threads_or_on_other_modules(
    adapter: Make, bred: Make, operator: str
) -> None:
    numbers = stream(0, "pairs")
    pairs = [
        {name: (numbers.normal((4, 96)), numbers.normal((80, 4))) for name in ("m", "n")}
        for _ in range(1 if operator in ALONE else 3)
    ]
    parents = [adapter(pair) for pair in pairs]
    digests = set()
    before = torch.get_num_threads()
    for threads in (1, 2, 4):
        set_num_threads(threads)
        digests.add(bred(operator, *parents).digest())
        assert torch.get_num_threads() == threads
    set_num_threads(before)
    assert len(digests) == 1
    if operator != "lora_compeft":
        alone = bred(operator, *(adapter({"n": pair["n"]}) for pair in pairs)).factors("n")
        both = bred(operator, *parents).factors("n")
        assert alone is not None
        assert both is not None
        assert torch.equal(alone.b, both.b)


def test_modules_are_those_of_all_adapters(adapter: Make) -> None:
    pair = torch.ones(1, 2), torch.ones(2, 1)
    found = list(modules([adapter({"m": pair}), adapter({"n": pair})]))
    assert [(one.name, [f is None for f in one.factors]) for one in found] == [
        ("m", [False, True]),
        ("n", [True, False]),
    ]


def test_large_matrices_are_cut_by_a_seeded_randomised_svd() -> None:
    numbers = stream(1, "large")
    low = numbers.normal((1100, 4)) @ numbers.normal((4, 1050))
    one, same, other = (truncated_matrix(low, 4, stream(seed, "test")) for seed in (0, 0, 1))
    assert torch.equal(one.a, same.a)
    assert not torch.equal(one.a, other.a)
    assert float((one.delta() - low).norm() / low.norm()) < 1e-5


def test_a_failure_leaves_nothing_behind(adapter: Make) -> None:
    broken = adapter({"m": (torch.full((1, 2), torch.nan), torch.ones(2, 1))})
    with TemporaryDirectory() as folder, pytest.raises(ModelError, match="NaN or infinite"):
        operator, out = OPERATORS[0], Path(folder) / "out"
        try:
            breed_adapter(operator, operator.parameters(), {"adapter": [broken]}, out, 0)
        finally:
            assert not list(Path(folder).iterdir())
