"""The weight store: whole model folders by the digest of their weights.

A cache, since recipes rebuild what is missing. A folder stands under its digest only when it is
whole: it comes and goes by a rename, whatever moment a process is killed at.
"""

import re
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from speciate.errors import ArchiveError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NEW, _TRASH = ".new-", ".trash-"


class WeightStore:
    """Model folders in `folder`, which is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path | None:
        """The model folder of a digest, or None when it is not stored.

        Raises:
            ArchiveError: `digest` is not 64 hexadecimal digits.
        """
        place = self._place(digest)
        return place if place.is_dir() and not place.is_symlink() else None

    def reserve(self) -> Path:
        """A new empty folder on the store's disk in which to write a model."""
        place = self.folder / f"{_NEW}{secrets.token_hex(8)}"
        place.mkdir(parents=True)
        return place

    def adopt(self, folder: Path, digest: str) -> Path:
        """Move a finished model folder in, or drop it when its digest is stored already.

        Args:
            folder: Complete; on the store's disk, best from `reserve`.
            digest: Of its weights.

        Returns:
            Where the model now is.

        Raises:
            ArchiveError: `digest` is no digest, or the folder cannot be moved.
        """
        place = self._place(digest)
        if folder.is_symlink() or not folder.is_dir():
            raise ArchiveError(f"{folder} is not a model folder; adopt the folder itself")
        if place.exists() and folder.samefile(place):
            return place
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.path(digest) is None:
                folder.rename(place)
        except OSError as error:
            # Another worker may have stored the same weights a moment ago.
            if self.path(digest) is None:
                why = f"{error.strerror}; write models where reserve() says"
                raise ArchiveError(f"cannot move {folder} to {place}: {why}") from error
        shutil.rmtree(folder, ignore_errors=True)
        return place

    def digests(self) -> frozenset[str]:
        """Of all that is stored."""
        if not self.folder.is_dir():
            return frozenset()
        return frozenset(filter(_DIGEST.fullmatch, (path.name for path in self.folder.iterdir())))

    def prune(self, keep: Collection[str]) -> int:
        """Delete all models but those of the digests in `keep`.

        Returns:
            Bytes freed.
        """
        return self.drop(self.digests() - set(keep))

    def drop(self, digests: Collection[str]) -> int:
        """Delete the models of these digests, as far as they are stored.

        Returns:
            Bytes freed.
        """
        return sum(self._delete(digest) for digest in sorted(self.digests() & set(digests)))

    def sweep(self) -> None:
        """Remove what killed processes left; only while no worker writes a model here."""
        for leftover in self.leftovers():
            shutil.rmtree(leftover, ignore_errors=True)

    def leftovers(self) -> list[Path]:
        """What killed processes left, or what workers are writing."""
        return [
            path for prefix in (_NEW, _TRASH) for path in sorted(self.folder.glob(f"{prefix}*"))
        ]

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ArchiveError(f"{digest!r} is not a weights digest; give 64 hexadecimal digits")
        return self.folder / digest

    def _delete(self, digest: str) -> int:
        trash = self.folder / f"{_TRASH}{secrets.token_hex(8)}"
        self._place(digest).rename(trash)
        size = sum(file.lstat().st_size for file in trash.rglob("*") if not file.is_dir())
        shutil.rmtree(trash)
        return size
