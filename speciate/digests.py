"""Digests of parents for the model card, computed beside the merge and remembered.

Hashing takes longer than many merges, and models are merged many times: digests are kept in the
user's cache, by the files' paths, sizes, times and inodes. What is not known is hashed by one
thread, which starts before torch is imported: the import is a second or more in which a core has
nothing else to do. Imports no torch.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from speciate.population.safetensors_reader import INDEX, SINGLE, FormatError, SafetensorsFile
from speciate.records import digest_of

_OTHERS = ("adapter_model.safetensors", "statistics.safetensors")
# A file so young may still change without a change of its time.
_YOUNG = 2 * 10**9
_MOST = 1000


class Digests:
    """Digests of weights by path; a context manager that stops the hashing when it is left."""

    def __init__(self, paths: Iterable[Path], cache: Path | None = None) -> None:
        """Begins to hash what the cache does not know.

        Args:
            paths: Model folders, adapters' folders, or safetensors files.
            cache: File to remember digests in; that of the user if not given.
        """
        self._cache = cache or default_cache()
        self._found: dict[Path, Future[str | None]] = {path: Future() for path in paths}
        self._stopped = threading.Event()
        # A daemon: hashing must not keep a process alive that has failed or was interrupted.
        self._thread = threading.Thread(target=self._work, name="digests", daemon=True)
        self._thread.start()

    def of(self, path: Path) -> str | None:
        """The digest of a path's weights; None if they cannot be read. Waits for it."""
        return self._found[path].result()

    def wait(self) -> None:
        """Until the thread has ended, and what it found is remembered."""
        self._thread.join()

    def __enter__(self) -> "Digests":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def _work(self) -> None:
        known = _remembered(self._cache)
        for path, future in self._found.items():
            digest = None
            # What is wrong with a parent is for the merge itself to say.
            with suppress(Exception):
                digest, key = self._digest(path, known)
                if digest is not None and key is not None:
                    _remember(self._cache, key, digest)
            # The last thing done: who waits for it may end the process.
            future.set_result(digest)

    def _digest(self, path: Path, known: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The digest, and the key to remember it by, if it is worth remembering."""
        found = places(path)
        files = sorted(set(found.values()))
        key, newest = _key(path, files)
        if key in known:
            return known[key], None
        digest = self._hashed(found)
        unchanged = _key(path, files)[0] == key
        settled = time.time_ns() - newest > _YOUNG
        return digest, key if unchanged and settled else None

    def _hashed(self, found: Mapping[str, Path]) -> str | None:
        """As `Tensors.digest`, which needs torch."""
        files = {path: SafetensorsFile(path) for path in set(found.values())}
        lines = []
        for name, path in sorted(found.items()):
            if self._stopped.is_set():
                return None
            entry = files[path].entries[name]
            lines.append([name, entry.code, list(entry.shape), files[path].sha256(name)])
        return digest_of(lines)


def default_cache() -> Path:
    """The user's file of digests."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(home) / "speciate" / "digests.json"


def places(path: Path) -> dict[str, Path]:
    """The file of each tensor of a model, an adapter or statistics.

    Raises:
        ValueError: They are damaged.
        OSError: They cannot be read.
    """
    if (path / INDEX).exists() and not (path / SINGLE).exists():
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))["weight_map"]
        if any(Path(file).name != file for file in index.values()):
            raise FormatError("a file of the index is not in the folder")
        return {name: path / file for name, file in index.items()}
    files = (path / name for name in (SINGLE, *_OTHERS))
    file = next((file for file in files if file.exists()), path)
    return dict.fromkeys(SafetensorsFile(file).entries, file)


def _key(path: Path, files: Iterable[Path]) -> tuple[str, int]:
    """All that changes when a file does, and when the last did."""
    stats = [(file.name, file.stat()) for file in files]
    facts = [[n, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino] for n, s in stats]
    newest = max(max(s.st_mtime_ns, s.st_ctime_ns) for _, s in stats)
    return digest_of([str(path.resolve()), facts]), newest


def _remembered(cache: Path) -> dict[str, str]:
    with suppress(OSError, ValueError, RecursionError):
        found: Any = json.loads(cache.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if isinstance(value, str)}
    return {}


def _remember(cache: Path, key: str, digest: str) -> None:
    """Adds to the file, and forgets the oldest of many; a cache that cannot be written is none."""
    kept = list((_remembered(cache) | {key: digest}).items())[-_MOST:]
    temporary = cache.with_name(f".{cache.name}.{uuid.uuid4().hex[:8]}")
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(dict(kept), indent=0) + "\n", encoding="utf-8")
        temporary.replace(cache)
