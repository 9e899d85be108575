"""Random numbers as a function of a key: the same whatever else was drawn, in whatever order.

A stream is the counter-based generator Philox (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", 2011), keyed by the hash of a seed and names. Only its raw bits come from numpy, whose
distributions may change between versions. What is made of them uses + - * / and square roots,
which IEEE 754 rounds exactly, so that another machine draws the same numbers too.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.records import canonical_json

Item = TypeVar("Item")

_CHUNK = 1 << 18  # Words at a time, so that what is drawn for one tensor stays in the cache.
_LOG_SERIES = tuple(2 / (2 * k + 1) for k in range(12))
_SINE_SERIES = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(12))


class Stream:
    """A sequence of random numbers; each call takes the next ones."""

    def __init__(self, key: int) -> None:
        """Starts the stream of a 128-bit key."""
        self._bits = np.random.Philox(key=key)

    def uniform(self, n: int) -> NDArray[np.float64]:
        """`n` float64 in [0, 1), multiples of 2**-53."""
        return _fraction(self._words(n))

    def bernoulli(self, shape: Sequence[int], p: float) -> Tensor:
        """Bool tensor, each element true with probability `p` (to 2**-32; exact for 0 and 1).

        A byte decides for all but one element in 256; those draw 24 bits more.
        """
        high, low = divmod(round(p * 2**32), 2**24)
        size = math.prod(shape)
        if high == 256:
            return torch.ones(tuple(shape), dtype=torch.bool)
        octets = self._words((size + 7) // 8).astype("<u8", copy=False).view(np.uint8)[:size]
        values = octets < high
        if low:
            close = np.flatnonzero(octets == high)
            values[close] = self._words(len(close)) >> np.uint64(40) < np.uint64(low)
        return torch.from_numpy(values).reshape(tuple(shape))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32 tensor of standard normal values (Box and Muller, 1958, in float64)."""
        values = np.empty(math.prod(shape), dtype=np.float32)
        for part in _parts(len(values), _CHUNK):
            size = part.stop - part.start
            values[part] = _box_muller(self._words(size + size % 2))[:size]
        return torch.from_numpy(values).reshape(tuple(shape))

    def integer(self, n: int) -> int:
        """One of 0 .. n-1, all exactly as likely, for 1 <= n <= 2**64."""
        limit = 2**64 - 2**64 % n
        while (word := int(self._words(1)[0])) >= limit:
            pass
        return word % n

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """A random permutation (Fisher and Yates); `items` stays as it is."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.integer(last + 1)
            result[last], result[other] = result[other], result[last]
        return result

    def choice(self, weights: Sequence[float]) -> int:
        """An index, drawn in proportion to `weights`; uniformly where all of them are 0.

        Raises:
            ValueError: There is no weight, or one is negative or not finite.
        """
        if not weights or not all(0 <= weight < math.inf for weight in weights):
            raise ValueError(f"cannot choose by the weights {list(weights)}: need finite, >= 0")
        largest = max(weights)
        if largest == 0:
            return self.integer(len(weights))
        # Relative to the largest, the sum can neither overflow nor vanish.
        sums = np.cumsum([weight / largest for weight in weights])
        chosen = int(np.searchsorted(sums, self.uniform(1)[0] * sums[-1], side="right"))
        return min(chosen, int(np.searchsorted(sums, sums[-1])))

    def _words(self, n: int) -> NDArray[np.uint64]:
        words: NDArray[np.uint64] = self._bits.random_raw(n)
        return words


def stream(seed: int, *names: str) -> Stream:
    """The stream of this seed and these names; the same names always give the same stream."""
    return Stream(int.from_bytes(_hash(seed, names)[:16], "little"))


def derive_seed(seed: int, *names: str) -> int:
    """A seed in 0 .. 2**64-1 made of `seed` and `names`, independent of the stream so named."""
    return int.from_bytes(_hash(seed, names)[16:24], "little")


def _hash(seed: int, names: tuple[str, ...]) -> bytes:
    return hashlib.sha256(canonical_json([seed, *names])).digest()


def _parts(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def _fraction(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _box_muller(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """As many normal values as `words`, an even number.

    The angle is drawn in the first quadrant; signs come from the lowest bit, which `_fraction`
    leaves unused.
    """
    first, second = words.reshape(2, -1)
    radius = np.sqrt(-2.0 * _log(1.0 - _fraction(first)))
    angle = _fraction(second)
    values = np.concatenate([radius * _quarter_sine(1.0 - angle), radius * _quarter_sine(angle)])
    return np.where(words & np.uint64(1), -values, values)


def _log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm: log(m 2**e) = e log 2 + 2 artanh((m - 1) / (m + 1)), for m near 1."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < math.sqrt(0.5)
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa), exponent - small
    return exponent * math.log(2) + _odd((mantissa - 1) / (mantissa + 1), _LOG_SERIES)


def _quarter_sine(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sine of `t` right angles, 0 <= t <= 1."""
    return _odd(t * (math.pi / 2), _SINE_SERIES)


def _odd(x: NDArray[np.float64], series: tuple[float, ...]) -> NDArray[np.float64]:
    """The sum of series[k] x**(2k+1)."""
    square, value = x * x, np.zeros_like(x)
    for coefficient in reversed(series):
        value = value * square + coefficient
    return value * x
