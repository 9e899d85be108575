"""Asking again, later and later, while an endpoint is busy or silent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from speciate.errors import ChatError
from speciate.records import derive_seed

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

_LONGEST_S = 60.0


class Busy(Exception):  # noqa: N818
    """An endpoint does not answer now, and may do so later.

    Attributes:
        after_s: Seconds that the endpoint asks for.
    """

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        """Takes what is wrong, as the end of a sentence that begins with the endpoint."""
        super().__init__(reason)
        self.after_s = after_s


def pause(key: str, attempt: int, after_s: float = 0.0, seed: int = 0) -> float:
    """Seconds before attempt 1, 2, ...: exponential, and spread so that not all come at once.

    Args:
        key: Of the request; with seed and attempt it decides the place in the spread.
        attempt: Tries made so far.
        after_s: What the endpoint asked for, which is kept up to a limit.
        seed: Of the campaign.
    """
    share = derive_seed(seed, "pause", key, str(attempt)) / 2**64
    grown = min(_LONGEST_S, 2.0 ** (attempt - 1)) * (0.5 + 0.5 * share)
    return max(grown, min(after_s, _LONGEST_S))


async def retried(
    call: Callable[[], Awaitable[T]],
    retries: int,
    key: str,
    seed: int = 0,
    sleep: Sleep = asyncio.sleep,
) -> T:
    """What `call` gives, which is tried again while the endpoint is busy.

    Raises:
        ChatError: It still is after `retries` more tries.
    """
    attempt = 1
    while True:
        try:
            return await call()
        except Busy as exc:
            if attempt > retries:
                tries = f"{attempt} tries" if attempt > 1 else "one try"
                remedy = "correct base_url, or run again when it answers"
                raise ChatError(f"{exc}, in {tries}; {remedy}") from None
            await sleep(pause(key, attempt, exc.after_s, seed))
        attempt += 1
