"""Files that appear whole or not at all, and whether somebody holds one."""

import fcntl
import os
import uuid
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Puts a file in place of an older one, at once: a reader sees either.

    Args:
        path: Its folder is made where it is missing.
        data: All that the file will hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other processes and threads may be writing the same file.
    new = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        new.write_bytes(data)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Whether a process holds an exclusive lock on a file or folder; no, where there is none."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(found, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(found)
    return False
