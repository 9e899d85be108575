"""The actors of a campaign: its workers, the board they write on, and the depot of its founders."""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speciate.cluster.connection import LOOK_S, ray

if TYPE_CHECKING:
    from speciate.worker import Hello, Job, Outcome, Setup, Worker

_PIECE = 1 << 26
_RECENT = 16


class Board:
    """Where workers say that they get on; an actor beside the campaign."""

    def __init__(self) -> None:
        self._said: dict[int, object] = {}

    def say(self, worker: int, process: int, state: object) -> None:
        """A worker's process is at `state`."""
        self._said[worker] = process, state

    def read(self) -> dict[int, object]:
        """The last word of each worker."""
        return self._said


class Depot:
    """Gives the founders' files to nodes that do not see them; an actor beside the campaign."""

    def __init__(self, founders: Mapping[str, Path]) -> None:
        self._files = {
            name: {file.name: file for file in sorted(folder.iterdir()) if file.is_file()}
            for name, folder in founders.items()
        }

    def files(self) -> dict[str, list[str]]:
        """Names of the files of each founder."""
        return {name: list(files) for name, files in self._files.items()}

    def read(self, founder: str, file: str, start: int) -> bytes:
        """A piece of a file; nothing after its end."""
        with self._files[founder][file].open("rb") as opened:
            opened.seek(start)
            return opened.read(_PIECE)


class Servant:
    """A worker in a process of its own; an actor."""

    def __init__(self, number: int, board: Any) -> None:  # noqa: ANN401
        # Ray would have engines compute with as many threads as CPUs were asked for; with other
        # threads, sums come out otherwise in their last bits.
        os.environ.pop("OMP_NUM_THREADS", None)
        self._number, self._board = number, board
        self._worker: Worker
        self._done = 0
        self._alone = False
        self._recent: deque[set[str]] = deque(maxlen=_RECENT)

    def begin(self, sent: list[Any], mark: str, depot: Any) -> "tuple[Hello, str]":  # noqa: ANN401
        """Starts the engine; says hello, and from which node."""
        from speciate.worker import Worker

        threading.Thread(target=self._tell, daemon=True).start()
        setup = self._settled(ray().get(sent[0]), mark, depot)
        self._worker = Worker(setup)
        return self._worker.hello, socket.gethostname()

    def carry_out(self, job: "Job") -> "tuple[Outcome, ...]":
        """See `Worker.carry_out`."""
        outcomes = self._worker.carry_out(job)
        self._done += 1
        if self._alone:
            # Nobody else looks after this worker's folder: the parents of late stay in it.
            self._recent.append({one.digest for one in job.lineage.values() if one.digest})
            self._worker.store.prune(set().union(*self._recent))
        return outcomes

    def _settled(self, setup: "Setup", mark: str, depot: Any) -> "Setup":  # noqa: ANN401
        from speciate.cluster.node import node_folder, sees, settled

        if setup.config.cluster.shared == "auto" and sees(setup, setup.folder / mark):
            return setup

        self._alone = True

        def fetch(founder: str, file: str) -> Iterator[bytes]:
            start = 0
            while piece := ray().get(depot.read.remote(founder, file, start)):
                yield piece
                start += len(piece)

        files = ray().get(depot.files.remote())
        return settled(setup, node_folder(mark), self._number, files, fetch)

    def _tell(self) -> None:
        """Says how far the worker is whenever that has changed: if its engine hangs, nothing."""
        said: object = None
        while True:
            worker = getattr(self, "_worker", None)
            state = (self._done, worker.progress if worker else None)
            if state != said:
                self._board.say.remote(self._number, os.getpid(), state)
                said = state
            time.sleep(LOOK_S)
