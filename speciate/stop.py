"""Ctrl-C: once to stop when what is in flight is done, twice to stop at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def stoppable(tell: Callable[[], None]) -> Iterator[Stop]:
    """Takes the first Ctrl-C as a wish, and leaves the second to raise KeyboardInterrupt.

    Outside of the main thread, and where the program has its own way with Ctrl-C, nothing changes.

    Args:
        tell: Called at the first.
    """
    stop = Stop()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield stop
        return

    def first(_number: int, _frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tell()

    signal.signal(signal.SIGINT, first)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
