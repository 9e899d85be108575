"""Files that appear whole or not at all."""

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
