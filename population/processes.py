"""Work that is divided among processes: threads would wait a third of the time for each other.

The interpreter's lock is given up and taken again around every kernel, some twenty times a locus.
Processes are forked, so that what was read and prepared before is theirs at no cost; what they
write goes to the files that are open already. Not for a process that uses a GPU or runs an engine:
forked, neither works.
"""

import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeVar, cast

from speciate.errors import BreedError

R = TypeVar("R")
Tell = Callable[[int], None]
_SEVERAL = 1 << 24
_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PDEATHSIG = 1  # Of <sys/prctl.h>.


class KilledError(BreedError):
    """A process of a merge was killed."""

    def __init__(self) -> None:
        super().__init__(
            "a process of the merge was killed, most often by the system for want of memory; "
            "use fewer --jobs"
        )


def can_fork() -> bool:
    """Whether this system's libraries work in a forked process, as far as is known."""
    return sys.platform == "linux"


def end_with_parent() -> None:
    """Has the system kill this process as soon as the thread that forked it has ended.

    However it ended, and whatever this process waits for. Where the system cannot, nothing changes.
    """
    parent = multiprocessing.parent_process()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent.pid:  # It had ended before.
        os._exit(1)


def side_by_side(
    work: Callable[[Iterator[int], Tell], R],
    things: int,
    processes: int,
    hear: Tell = lambda _: None,
) -> list[R]:
    """`work` in several processes at once, which take the things to do as they become free.

    Args:
        work: Given the numbers of the things that this process is to do, and a function to tell of
            progress with; what it returns is pickled.
        things: How many there are to do; each is done by one process.
        processes: How many there are to do them.
        hear: Told what they tell, in this process.

    Returns:
        What `work` returned in each process.

    Raises:
        KilledError: A process was killed, as systems do that run out of memory.
        Exception: What `work` raised of the first thing of which it raised anything, whoever did
            that thing and when; all have ended by then.
    """
    context = multiprocessing.get_context("fork")
    taken = context.Value("q", 0)
    answers: list[Any] = []
    failures: list[_Failure] = []
    ends: list[Connection] = []
    started = []
    # Looking through what all share for garbage would copy it, page by page.
    gc.freeze()
    try:
        for _ in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            ends.append(ours)
            process = context.Process(
                target=_work, args=(theirs, list(ends), work, _Numbers(taken, things)), daemon=True
            )
            with _signals_later(), warnings.catch_warnings():
                # Python warns of threads; those of the caller hold no lock that we take.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
                started.append(process)
            theirs.close()
        for message in _messages(ends):
            if isinstance(message, int):
                hear(message)
            elif isinstance(message, _Success):
                answers.append(message.result)
            elif isinstance(message.error, KilledError):
                raise message.error
            else:
                failures.append(message)
        if failures:
            raise min(failures, key=lambda one: one.number).error
    finally:
        gc.unfreeze()
        for process in started:
            if len(answers) < processes:
                process.kill()
            process.join()
        for end in ends:
            end.close()
    return answers


@contextmanager
def _signals_later() -> Iterator[None]:
    """Handles what a user asks for by signals after the block.

    What a handler raises within the hooks that Python runs at a fork is lost, and the wish with it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in _WISHES
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


class _Success(NamedTuple):
    result: Any


class _Failure(NamedTuple):
    error: BaseException
    number: int


class _Numbers:
    """Those that no other process has taken yet, in ascending order.

    Attributes:
        last: The one that was taken last.
    """

    def __init__(self, taken: Any, things: int) -> None:  # noqa: ANN401
        self._taken, self._things = taken, things
        self.last = -1

    def __iter__(self) -> "_Numbers":
        return self

    def __next__(self) -> int:
        with self._taken.get_lock():
            number: int = self._taken.value
            self._taken.value += 1
        if number >= self._things:
            raise StopIteration
        self.last = number
        return number

    def end(self) -> None:
        """Lets nobody take another."""
        with self._taken.get_lock():
            self._taken.value = self._things


def _messages(ends: Sequence[Connection]) -> Iterator[Any]:
    """All that the processes send, until each has sent what became of its work."""
    waiting = list(ends)
    while waiting:
        for end in cast("list[Connection]", wait(waiting)):
            try:
                message = end.recv()
            except (EOFError, OSError):  # Before it sent anything, or while it was sending.
                message = _Failure(KilledError(), -1)
            yield message
            if not isinstance(message, int):
                waiting.remove(end)


def _work(
    end: Connection,
    inherited: Sequence[Connection],
    work: Callable[[Iterator[int], Tell], Any],
    numbers: _Numbers,
) -> None:
    """In the new process, which its parent ends when the user asks for it.

    Leaves at once: what the parent has not yet printed, and locks of its threads, are not ours.
    """
    # Held open here, they would hide that the parent was killed, who alone should read from them.
    for other in inherited:
        other.close()
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        told += count
        if told >= _SEVERAL:
            end.send(told)
            told = 0

    message: _Success | _Failure
    try:
        message = _Success(work(numbers, tell))
    except BaseException as error:
        # Earlier things may fail too: they are being done, and are waited for.
        numbers.end()
        # Where it happened does not travel by itself; --debug shows it.
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
        as_text = RuntimeError(f"{type(error).__name__}: {error}")
        message = _Failure(error if _travels(error) else as_text, numbers.last)
    with suppress(OSError):  # The parent may have been killed.
        if told:
            end.send(told)
        end.send(message)
    os._exit(0)


def _travels(error: BaseException) -> bool:
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301
    except Exception:
        return False
