"""Objects on their way to the disk: those of one step go there together, as a pack."""

import hashlib
import io
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_COMPRESSION = 9  # git keeps what was compressed as it is when it joins packs


class Packs:
    """What was given and is not on the disk yet.

    A file of git's for each object would be created, synced and packed again one by one.

    Args:
        folder: git's `objects/pack`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, tuple[str, bytes]] = {}

    def add(self, kind: str, data: bytes) -> str:
        """Take an object; returns its hash."""
        oid = oid_of(kind, data)
        self._waiting[oid] = (kind, data)
        return oid

    def flush(self) -> None:
        """Put what waits on the disk, so that it outlives a power cut, or all of it nowhere.

        Raises:
            OSError: The disk is full or refuses.
        """
        if not self._waiting:
            return
        token = secrets.token_hex(8)
        new = {kind: self._folder / f"tmp_{kind}_{token}" for kind in ("pack", "idx")}
        try:
            name = _written(self._waiting, new["pack"], new["idx"])
            # git finds a pack by its index, so that comes last.
            for kind, path in new.items():
                path.rename(self._folder / f"pack-{name}.{kind}")
            _sync_folder(self._folder)
        finally:
            for path in new.values():
                path.unlink(missing_ok=True)
        self._waiting = {}

    def take(self, other: Path) -> None:
        """Move all packs here from a folder on the same disk.

        Raises:
            OSError: The disk refuses.
        """
        for end in ("pack", "rev", "idx"):
            for file in sorted(other.glob(f"pack-*.{end}")):
                with file.open("rb") as written:
                    os.fsync(written.fileno())
                if not (self._folder / file.name).exists():
                    file.rename(self._folder / file.name)
        _sync_folder(self._folder)


class Hashes(Packs):
    """Hashes what it is given, and keeps nothing."""

    def add(self, kind: str, data: bytes) -> str:
        """See `Packs.add`."""
        return oid_of(kind, data)


def oid_of(kind: str, data: bytes) -> str:
    """The hash of an object."""
    header = f"{kind} {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()


def _written(objects: Mapping[str, tuple[str, bytes]], pack: Path, index: Path) -> str:
    """Write a pack with its index, both synced; returns the name that git gives it."""
    # Whoever only reads needs none of it, and does not wait for it.
    from gitdb.base import OStream
    from gitdb.pack import PackEntity

    streams = [
        OStream(bytes.fromhex(oid), kind.encode(), len(data), io.BytesIO(data))
        for oid, (kind, data) in objects.items()
    ]
    with _create(pack) as pack_file, _create(index) as index_file:
        name, _ = PackEntity.write_pack(
            streams, pack_file.write, index_file.write, len(streams), _COMPRESSION
        )
        for file in (pack_file, index_file):
            file.flush()
            os.fsync(file.fileno())
    return str(name.hex())


def _create(path: Path) -> IO[bytes]:
    """A new file that nobody writes again, as git has its packs."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
