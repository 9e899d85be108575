"""One process runs a campaign in a folder; others are told which."""

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Self

from speciate.errors import ArchiveError


class CampaignLock:
    """An advisory lock on `DIR/lock`, gone with the process that holds it however that ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Take the lock of a campaign folder.

        Raises:
            ArchiveError: Another process runs a campaign there, or the disk refuses a lock.
        """
        path = folder / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ArchiveError(f"cannot write {path}: {error.strerror}; check its owner") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise _refusal(folder, error) from error
        owner = {"pid": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def _refusal(folder: Path, error: OSError) -> ArchiveError:
    if not isinstance(error, BlockingIOError):
        return ArchiveError(f"cannot lock {folder}: {error.strerror}; use a disk that has flock")
    return ArchiveError(
        f"campaign in {folder} is run by {_holder(folder / 'lock')}; wait for it or stop it"
    )


def _holder(path: Path) -> str:
    """Who wrote the lock file; it may be seen just before that."""
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
