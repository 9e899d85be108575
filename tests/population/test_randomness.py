import itertools
import math

import numpy as np
import pytest
import torch

from speciate.population.randomness import stream
from speciate.records import derive_seed

PINNED_UNIFORM = [0.27834165044629855, 0.6772826917685462]
PINNED_NORMAL = [-0.2595669627189636, 0.5586971044540405, -0.7648738026618958]
PINNED_BERNOULLI = [2, 6]
PINNED_SHUFFLE = [3, 2, 4, 5, 0, 1]
PINNED_INTEGERS = [1, 79, 86, 16]
PINNED_CHOICES = [1, 1, 2, 2, 3, 1, 2, 0]
PINNED_SEED = 9561101597927755634


def test_values_are_the_same_for_ever() -> None:
    assert stream(0, "a").uniform(2).tolist() == PINNED_UNIFORM
    assert stream(0, "a").normal((3,)).tolist() == PINNED_NORMAL
    assert stream(0, "a").bernoulli((12,), 0.3).nonzero().flatten().tolist() == PINNED_BERNOULLI
    assert stream(0, "a").shuffle(range(6)) == PINNED_SHUFFLE
    assert [stream(n, "a").integer(100) for n in range(4)] == PINNED_INTEGERS
    assert [stream(n, "a").choice([1, 2, 3, 4]) for n in range(8)] == PINNED_CHOICES
    assert derive_seed(0, "a") == PINNED_SEED


def test_other_streams_do_not_matter() -> None:
    alone = stream(1, "x").uniform(5)
    one, other = stream(1, "x"), stream(1, "y")
    mixed = []
    for _ in range(5):
        other.normal((3,))
        mixed.append(one.uniform(1)[0])
    assert mixed == alone.tolist()


def test_keys_that_differ_give_streams_that_differ() -> None:
    keys = [(0,), (1,), (0, "a"), (0, "a", "b"), (0, "ab"), (0, "b", "a"), (2**64 - 1, "a")]
    assert len({stream(*key).uniform(1)[0] for key in keys}) == len(keys)
    assert len({derive_seed(*key) for key in keys}) == len(keys)
    assert all(0 <= derive_seed(*key) < 2**64 for key in keys)


@pytest.mark.parametrize("size", [1, 7, 2**18 + 3])
def test_normal_has_moments_of_a_normal(size: int) -> None:
    values = stream(3, "normal").normal((size,)).double()
    assert values.shape == (size,)
    assert abs(values.mean()) < 4.5 / math.sqrt(size)
    if size > 100:
        assert abs((values**2).mean() - 1) < 4.5 * math.sqrt(2 / size)
        assert abs((values**3).mean()) < 4.5 * math.sqrt(15 / size)
        assert abs((values**4).mean() - 3) < 4.5 * math.sqrt(96 / size)
        assert abs((values[1:] * values[:-1]).mean()) < 4.5 / math.sqrt(size)
        below = [(values < x).double().mean().item() for x in (-2, -1, 0, 1, 2)]
        assert below == pytest.approx([0.02275, 0.15866, 0.5, 0.84134, 0.97725], abs=0.004)


def test_bernoulli_keeps_its_share_and_its_shape() -> None:
    mask = stream(4, "mask").bernoulli((700, 900), 0.1)
    assert mask.dtype == torch.bool
    assert mask.shape == (700, 900)
    assert abs(mask.double().mean() - 0.1) < 4.5 * math.sqrt(0.09 / mask.numel())
    assert stream(4, "mask").bernoulli((1000,), 1.0).all()
    assert not stream(4, "mask").bernoulli((1000,), 0.0).any()
    assert stream(4, "mask").bernoulli((), 1.0).shape == ()


def test_uniform_is_flat() -> None:
    counts, _ = np.histogram(stream(5, "u").uniform(40_000), bins=10, range=(0, 1))
    assert ((counts - 4000) ** 2 / 4000).sum() < 27.9  # chi square, 9 degrees, p = 0.001


def test_integer_reaches_all_values_alike() -> None:
    draws = stream(6, "i")
    counts = np.bincount([draws.integer(6) for _ in range(6000)], minlength=6)
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # 5 degrees, p = 0.001
    assert draws.integer(1) == 0


def test_shuffle_reaches_all_orders_alike() -> None:
    draws = stream(7, "s")
    found = ["".join(draws.shuffle("abc")) for _ in range(3000)]
    counts = [found.count("".join(order)) for order in itertools.permutations("abc")]
    assert sum(counts) == 3000
    assert sum((count - 500) ** 2 / 500 for count in counts) < 20.5


def test_choice_is_proportional() -> None:
    draws = stream(8, "c")
    chosen = np.bincount([draws.choice([1, 0, 3]) for _ in range(4000)], minlength=3)
    assert chosen[1] == 0
    assert abs(chosen[2] / 4000 - 0.75) < 4.5 * math.sqrt(0.1875 / 4000)


def test_choice_among_zeros_is_uniform_and_extremes_are_safe() -> None:
    draws = stream(9, "c")
    assert {draws.choice([0, 0, 0]) for _ in range(60)} == {0, 1, 2}
    assert {draws.choice([1e308, 1e308]) for _ in range(60)} == {0, 1}
    assert {draws.choice([0, 5e-324, 0]) for _ in range(60)} == {1}


@pytest.mark.parametrize("weights", [[], [1, -1], [float("nan")], [math.inf, 1]])
def test_choice_refuses_what_are_no_weights(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot choose"):
        stream(0, "c").choice(weights)
