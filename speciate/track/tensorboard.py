"""Events for TensorBoard. The only module that imports tensorboard."""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speciate.errors import ConfigError


class TensorBoard:
    """Implements `Sink` by an event file for each time that the campaign is run.

    Events are written here and now. The writer of the library does it in a thread, which prints
    a traceback when a disk is full.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        """Writes to a folder, which is made with the first step."""
        self._folder = folder
        self._records: Any = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """See `Sink.write`."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        if self._records is None:
            self._begin(step)
        tagged = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(step=step, summary=Summary(value=tagged))

    def close(self, finished: bool) -> None:
        """See `Sink.close`."""
        if self._records is not None:
            self._records.close()

    def _begin(self, step: int) -> None:
        """A new file, which takes the place of whatever older ones say of this step and later."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._folder.mkdir(exist_ok=True)
        # Files are read in the order of their names.
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self._records = RecordWriter((self._folder / name).open("xb"))
        self._add(file_version="brain.Event:2")
        self._add(step=step, session_log=SessionLog(status=SessionLog.START))

    def _add(self, **content: object) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **content).SerializeToString())
        self._records.flush()


def check() -> None:
    """Whether the package is there.

    Raises:
        ConfigError: It is not, or does not go with other packages.
    """
    try:
        import tensorboard.compat.proto.event_pb2
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except (ImportError, TypeError) as exc:  # TypeError: of another version of protobuf.
        raise ConfigError(
            f"tensorboard cannot be imported ({exc}); install speciate[tensorboard], or set "
            "track.tensorboard = false"
        ) from exc
