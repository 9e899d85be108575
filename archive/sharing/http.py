"""A store that is read over HTTP: a folder store behind any server of files, or a public bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from speciate.archive.sharing.listing import LISTING, read_listing
from speciate.errors import ArchiveError, DamageError

_PATIENCE = 60.0  # seconds without a byte
_LONGEST_LISTING = 2**20


class HttpSource:
    """Implements `Source`; redirects are not followed."""

    def __init__(self, url: str) -> None:
        """Takes the address of the store's folder."""
        self._url = url.rstrip("/")

    def has(self, digest: str) -> bool:
        """See `Source.has`."""
        with self._asked(f"{digest}/{LISTING}") as response:
            return response.status_code == httpx.codes.OK

    def get(self, digest: str, folder: Path) -> None:
        """See `Source.get`."""
        folder.mkdir()
        listing = folder / LISTING
        self._fetch(f"{digest}/{LISTING}", listing, _LONGEST_LISTING)
        files = read_listing(listing.read_bytes(), f"{self._url}/{digest}/{LISTING}")
        listing.unlink()
        for name, size in sorted(files.items()):
            if self._fetch(f"{digest}/{name}", folder / name, size) < size:
                raise DamageError(f"{self._url}: {digest}/{name} is shorter than listed")

    def _fetch(self, path: str, file: Path, most: int) -> int:
        """Writes a file as it comes, to a length at most, and gives its length."""
        with self._asked(path) as response, file.open("wb") as out:
            if response.status_code != httpx.codes.OK:
                raise ArchiveError(f"{self._url}: {path}: status {response.status_code}")
            for part in response.iter_raw():
                if out.tell() + len(part) > most:
                    raise DamageError(f"{self._url}: {path} is longer than listed")
                out.write(part)
            return out.tell()

    @contextmanager
    def _asked(self, path: str) -> Iterator[httpx.Response]:
        """The answer to a GET.

        Raises:
            ArchiveError: There is none.
        """
        plain = {"Accept-Encoding": "identity"}
        try:
            with httpx.stream(
                "GET", f"{self._url}/{path}", headers=plain, timeout=_PATIENCE
            ) as response:
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise ArchiveError(f"{self._url}: {path}: {what}; try again, or elsewhere") from error
