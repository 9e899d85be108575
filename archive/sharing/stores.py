"""Where weights wait to be fetched by digest, since a git remote holds none.

A store is only a way for files to travel. Whoever gets a model from one digests its weights before
they are used, so a store need not be believed; what a digest does not cover, such as a tokenizer,
it is to be trusted for. Programs, pickles and links are not taken from any.
"""

import shutil
from pathlib import Path
from typing import Protocol

from speciate.archive.sharing.listing import LISTING, files_of, listing
from speciate.archive.store import WeightStore
from speciate.errors import ArchiveError


class Source(Protocol):
    """Weights by digest, to be read."""

    def has(self, digest: str) -> bool:
        """Whether there are weights of this digest.

        Raises:
            ArchiveError: It cannot be reached.
        """

    def get(self, digest: str, folder: Path) -> None:
        """Copies a model into a folder that is not there yet; its weights are not looked at.

        Raises:
            ArchiveError: There is none, or it cannot be read.
            DamageError: It has what no model has.
        """


class Store(Source, Protocol):
    """Weights by digest, to be written too."""

    def put(self, digest: str, folder: Path) -> None:
        """Adds a model, all of it at once, unless there is one of its digest.

        Raises:
            ArchiveError: It cannot be written.
        """


class FolderStore:
    """Implements `Store` by a folder, as a disk that several sites see, or that is carried."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder, which is made when first needed."""
        self._store = WeightStore(folder)

    def has(self, digest: str) -> bool:
        """See `Source.has`."""
        return self._store.path(digest) is not None

    def get(self, digest: str, folder: Path) -> None:
        """See `Source.get`."""
        stored = self._store.path(digest)
        if stored is None:
            raise ArchiveError(f"{self._store.folder} has no weights {digest[:12]}; put them there")
        _copy(stored, folder)

    def put(self, digest: str, folder: Path) -> None:
        """See `Store.put`."""
        try:
            scratch = self._store.reserve()
            _copy(folder, scratch / "model")
            (scratch / "model" / LISTING).write_bytes(listing(files_of(folder)))
            self._store.adopt(scratch / "model", digest)
            scratch.rmdir()
        except OSError as error:
            raise ArchiveError(f"cannot write to {self._store.folder}: {error.strerror}") from error


def _copy(model: Path, folder: Path) -> None:
    folder.mkdir()
    for name in files_of(model):
        shutil.copyfile(model / name, folder / name, follow_symlinks=False)


def source_at(place: str) -> Source:
    """The store at an address: a folder, or http://... or https://... to read from."""
    if place.startswith(("http://", "https://")):
        from speciate.archive.sharing.http import HttpSource

        return HttpSource(place)
    return FolderStore(Path(place).expanduser())


def store_at(place: str) -> Store:
    """The store in a folder.

    Raises:
        ArchiveError: It is elsewhere, and can only be read.
    """
    if "://" in place:
        raise ArchiveError(f"{place} can only be read; give the folder that is served there")
    return FolderStore(Path(place).expanduser())
