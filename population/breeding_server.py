"""The program of the process beside an engine: it breeds what it is asked for, one by one.

Each child is bred by a process that is forked from this one, and by others forked from that. So
this one keeps no memory, has no threads, and always hears that the engine's process has ended.
"""

import json
import multiprocessing
import os
import select
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from speciate.population.breed import divide, ordered
from speciate.population.crew import default_jobs
from speciate.population.plan import Plan, make_plan
from speciate.population.processes import KilledError, end_with_parent
from speciate.population.shared_memory import SharedLedger
from speciate.records import Recipe

_LENGTH = 8


class Request(NamedTuple):
    """A child to breed.

    Attributes:
        content: See `content_of`.
        memory: Descriptor of the memory for its tensors, see `SharedTensors`.
        answers: Descriptor of a pipe for lines of JSON: `[n, bytes, hash]` when the n-th tensor of
            the child's frame is complete, or at last `{"error": ...}` with its type and notes. It
            ends without either if a process was killed.
    """

    content: Mapping[str, Any]
    memory: int
    answers: int

    def send(self, to: socket.socket) -> None:
        """Sends it to another process, which shares memory and pipe."""
        text = json.dumps(self.content).encode()
        length = len(text).to_bytes(_LENGTH, "little")
        socket.send_fds(to, [length], [self.memory, self.answers])
        to.sendall(text)

    @classmethod
    def receive(cls, of: socket.socket) -> "Request | None":
        """Waits for the next; None when the other process has ended."""
        flags = socket.MSG_WAITALL | socket.MSG_CMSG_CLOEXEC
        length, shared, _, _ = socket.recv_fds(of, _LENGTH, 2, flags)
        expected = int.from_bytes(length, "little")
        text = of.recv(expected, socket.MSG_WAITALL)
        return cls(json.loads(text), *shared) if text and len(text) == expected else None


def content_of(plan: Plan, jobs: int | None) -> dict[str, Any] | None:
    """What another process needs to make the same plan, as JSON; None if it cannot."""
    given = plan.given
    if not all(isinstance(model, Path) for model in given.models.values()):
        return None
    return {
        "recipe": plan.recipe.to_json(),
        "folder": str(Path.cwd()),
        "models": {name: str(path) for name, path in given.models.items()},
        "kinds": [given.dtype, given.tokenizer, given.chat_template],
        "jobs": jobs,
    }


def serve(engine: socket.socket) -> None:
    """Breeds until the engine's process has ended."""
    while (request := Request.receive(engine)) is not None:
        # Not a daemon, which could fork no others.
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_answer, args=(request,), daemon=False)
        process.start()
        _wait(engine, request.answers, process.sentinel)
        process.kill()  # With all those that it has forked.
        process.join()
        process.close()
        os.close(request.memory)
        os.close(request.answers)


def _wait(engine: socket.socket, answers: int, bred: int) -> None:
    """Until a child is bred, or nobody reads the answers any more."""
    poll = select.poll()
    poll.register(engine, select.POLLIN)
    poll.register(answers, 0)  # Which only tells that the other end is closed.
    poll.register(bred, select.POLLIN)
    poll.poll()


def _answer(request: Request) -> None:
    """In a new process: breeds one child."""
    end_with_parent()
    try:
        _breed(request)
    except KilledError:
        return  # As if this process had been killed, too.
    except BaseException as error:
        _tell(request.answers, _told(error))


def _breed(request: Request) -> None:
    content = request.content
    os.chdir(content["folder"])  # Paths are as they were given, also in errors.
    models = {name: Path(path) for name, path in content["models"].items()}
    plan = ordered(make_plan(Recipe.from_json(content["recipe"]), models, *content["kinds"]))
    specs = plan.frame.specs
    numbers = {spec.name: number for number, spec in enumerate(specs)}
    ledger = SharedLedger(specs, request.memory)

    def finished(name: str) -> None:
        _tell(request.answers, [numbers[name], *ledger.account_of(name)])

    divide(plan, content["jobs"] or default_jobs(), ledger, finished=finished)


def _told(error: BaseException) -> dict[str, Any]:
    notes = getattr(error, "__notes__", ["".join(traceback.format_tb(error.__traceback__))])
    return {"error": str(error), "type": type(error).__name__, "notes": notes}


def _tell(answers: int, answer: object) -> None:
    """Short lines are written whole, however many processes write to the pipe."""
    left = json.dumps(answer).encode() + b"\n"
    with suppress(BrokenPipeError):
        while left:
            left = left[os.write(answers, left) :]


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _engine:
        serve(_engine)
