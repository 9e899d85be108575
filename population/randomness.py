"""Random numbers as a function of a key: the same whatever else was drawn, in whatever order.

A stream is the counter-based generator Philox (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", 2011), keyed by the hash of a seed and names. Only its raw bits come from numpy, whose
distributions may change between versions. What is made of them uses + - * / and square roots,
which IEEE 754 rounds exactly, so that another machine draws the same numbers too.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from speciate.records import canonical_json

Item = TypeVar("Item")

_CHUNK = 1 << 18  # Words at a time, so that what is drawn for one tensor stays in the cache.
_LOG_SERIES = tuple(2 / (2 * k + 1) for k in range(12))
_SINE_SERIES = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(12))


class _Key(ISeedSequence):
    """A key as it is. Given one by name, numpy draws a seed from the system beside it, slowly."""

    def __init__(self, key: bytes) -> None:
        """Takes a key of 128 bits, the lowest first."""
        self._key = key

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        """The key as `n_words` words, of which Philox has two of 64 bits."""
        return np.frombuffer(self._key, np.dtype(dtype).newbyteorder("<"), n_words).astype(dtype)


class Stream:
    """A sequence of random numbers; each call takes the next ones."""

    def __init__(self, key: bytes) -> None:
        """Starts the stream of a key of 16 bytes."""
        self._bits = np.random.Philox(_Key(key))  # type: ignore[arg-type]

    def uniform(self, n: int) -> NDArray[np.float64]:
        """`n` float64 in [0, 1), multiples of 2**-53."""
        return _fraction(self._words(n))

    def bernoulli(self, shape: Sequence[int], p: float) -> Tensor:
        """Bool tensor, each element true with probability `p` (to 2**-32; exact for 0 and 1).

        Compares a uniform number with `p` binary digit by digit, 64 elements at a time: a digit
        takes a word for them all. Where 8 digits do not decide, once in 256, a number of 24 bits
        does.
        """
        digits, size = round(p * 2**32), math.prod(shape)
        if digits == 2**32:
            return torch.ones(tuple(shape), dtype=torch.bool)
        below, equal = np.zeros((2, (size + 63) // 64), dtype="<u8")
        equal = ~equal
        place = 32
        while place > 24 and digits % 2**place:
            place -= 1
            # A bit that is 1 stands for the digit 0 of the uniform number.
            bits = self._words(len(below)).astype("<u8", copy=False)
            if digits >> place & 1:
                below |= equal & bits
                equal &= ~bits
            else:
                equal &= bits
        values = _unpacked(below, size)
        if rest := digits % 2**place:
            close = np.flatnonzero(_unpacked(equal, size))
            values[close] = self._words(len(close)) >> np.uint64(64 - place) < np.uint64(rest)
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
    return Stream(_hash(seed, names)[:16])


def _hash(seed: int, names: tuple[str, ...]) -> bytes:
    return hashlib.sha256(canonical_json([seed, *names])).digest()


def _parts(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def _unpacked(words: NDArray[np.uint64], size: int) -> NDArray[np.bool_]:
    """The first bits of words, from the lowest of the first word on."""
    return np.unpackbits(words.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def _fraction(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    fraction = (words >> np.uint64(11)).astype(np.float64)
    fraction *= 2.0**-53
    return fraction


def _box_muller(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """As many normal values as `words`, an even number.

    The angle is drawn in the first quadrant; signs come from the lowest bit, which `_fraction`
    leaves unused.
    """
    first, second = _fraction(words).reshape(2, -1)
    radius = np.sqrt(-2.0 * _log(1.0 - first))
    values = _quarter_sine(np.stack([1.0 - second, second]))
    values *= radius
    # The sign is the highest bit of a float64.
    signed = values.reshape(-1).view(np.uint64) ^ words << np.uint64(63)
    return signed.view(np.float64)


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
    square, value = x * x, np.full_like(x, series[-1])
    for coefficient in reversed(series[:-1]):
        # In place, as memory is what this waits for.
        value *= square
        value += coefficient
    value *= x
    return value
