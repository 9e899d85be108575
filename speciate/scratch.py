"""Folders for weights that are needed for a while, told from those that killed processes left."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speciate.files import is_locked

PREFIX = ".scratch-"


@contextmanager
def scratch_folder(place: Path, purpose: str) -> Iterator[Path]:
    """A new folder below `place`, gone when it is left.

    It is locked, and so is seen to be in use by whoever sweeps, until its process has ended.
    """
    with tempfile.TemporaryDirectory(dir=place, prefix=f"{PREFIX}{purpose}-") as name:
        folder = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(folder)


def leftover_scratch(place: Path) -> list[Path]:
    """Scratch folders whose process has ended."""
    return [folder for folder in sorted(place.glob(f"{PREFIX}*")) if not is_locked(folder)]
