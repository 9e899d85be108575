"""A process beside an engine, in which candidates are bred by several processes at once.

The engine's own process cannot be forked, and its threads wait for each other (see `processes`).
This one is clean: it runs no engine and uses no GPU. It hands tensors over in memory that both
share, as they are complete, so that the engine loads some while others are bred.
"""

import gc
import json
import os
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from mmap import mmap
from typing import Any

from torch import Tensor

import speciate.errors as errors
from speciate.population.breed import WORTH_FORKING
from speciate.population.breeding_server import Request, content_of
from speciate.population.plan import Plan
from speciate.population.processes import KilledError, can_fork
from speciate.population.safetensors_writer import Ledger
from speciate.population.shared_memory import SharedTensors, shared_room

_ATTEMPTS = 2


class BreedingProcess:
    """The process; it is started with the first child that is worth it, and kept.

    It ends with this process, however that ends. For one thread, and one child at a time.
    """

    def __init__(self, least: int = WORTH_FORKING, jobs: int | None = None) -> None:
        """Starts nothing yet.

        Args:
            least: Bytes of a child that is bred there; threads are faster with smaller ones.
            jobs: Processes that breed at once; one a core if not given.
        """
        self._least, self._jobs = least, jobs
        self._given_up = False
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._last: Callable[[], mmap | None] = lambda: None

    def room_for(self, plan: Plan) -> SharedTensors | None:
        """Memory for the child of a plan, if the child can and should be bred in the process."""
        worth = plan.frame.nbytes >= self._least and can_fork()
        if self._given_up or not worth or content_of(plan, self._jobs) is None:
            return None
        if self._last() is not None:
            # Held by a cycle, such as of an error in whose frames tensors were being loaded.
            gc.collect()
        room = shared_room(plan.frame)
        if room is not None:
            self._last = weakref.ref(room.memory)
        return room

    def breed(
        self, plan: Plan, memory: SharedTensors, ledger: Ledger
    ) -> Generator[tuple[str, Tensor], None, None]:
        """The tensors of a child, in the order of the plan.

        Args:
            plan: What to do.
            memory: That there is room in.
            ledger: Told what was accounted for.

        Raises:
            KilledError: A process was killed, and then another, as a rule for want of memory. From
                then on there is no room: threads need less, and can breed this child too.
            ModelError: A parent is not finite or became unreadable.
            BreedError: The result is not finite.
        """
        specs, finished = plan.frame.specs, set[str]()
        waiting = [name for segment in plan.segments for name in segment.names][::-1]
        for _ in range(_ATTEMPTS):
            with closing(self._answers(plan, memory)) as answers:
                for number, nbytes, hashed in answers:
                    name = specs[number].name
                    ledger.take_over({name: (nbytes, hashed)})
                    finished.add(name)
                    while waiting and waiting[-1] in finished:
                        name = waiting.pop()
                        yield name, memory.tensor(name)
            if not waiting:
                return
            self.close()
        self._given_up = True
        raise KilledError

    def _answers(self, plan: Plan, memory: SharedTensors) -> Generator[Any, None, None]:
        """Of one attempt; see `Request`."""
        read, write = os.pipe()
        with os.fdopen(read, "rb") as answers:
            try:
                content = content_of(plan, self._jobs) or {}
                with suppress(OSError):  # It was killed.
                    Request(content, memory.descriptor, write).send(self._connected())
            finally:
                os.close(write)
            for line in answers:
                if line.endswith(b"\n"):  # Not killed while it was writing.
                    yield _checked(json.loads(line))

    def _connected(self) -> socket.socket:
        """To the process, which is started if there is none."""
        if self._socket is None:
            self._socket, theirs = socket.socketpair()
            with theirs:
                # -P: the folder that the user is in must not hide this package. In a group of its
                # own it hears no Ctrl-C, after which what is in flight is to be finished.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", f"{Request.__module__}", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    process_group=0,
                )
        return self._socket

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.kill()
            self._process.wait()
        self._socket = self._process = None


def _checked(answer: Any) -> Any:  # noqa: ANN401
    """An answer, unless it is an error of the other process.

    Raises:
        SpeciateError: It is one on purpose.
        RuntimeError: It is any other.
    """
    if not isinstance(answer, dict):
        return answer
    kind, text = getattr(errors, answer["type"], None), answer["error"]
    error: Exception = RuntimeError(f"{answer['type']}: {text}")
    if isinstance(kind, type) and issubclass(kind, errors.SpeciateError):
        error = kind(text)
    for note in answer["notes"]:
        error.add_note(note)
    raise error
