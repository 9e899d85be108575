"""Five kinds of real text that every CPython installation carries, split into three parts."""

import re
import sysconfig
import unicodedata
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from pydoc_data.topics import topics

# The most characters kept of one kind: several times what training reads, and quick to search.
CAP = 2_400_000

# Tables of code points would leak the names of `unicode`, and `pydoc_data` is `english` itself;
# tests are a kind of their own.
NOT_LIBRARY = {"site-packages", "test", "tests", "idle_test", "encodings", "pydoc_data"}

# Written when Python is built, so they differ between machines and hold absolute paths.
BUILD_FILES = re.compile(r"^(_sysconfigdata.*\.py|python-config\.py|pyconfig.*\.h)$")


def clean(text: str) -> str:
    """Keeps printable ASCII and newlines, so that 1 character = 1 byte = 1 token."""
    return re.sub(r"[^\n -~]", "", text.expandtabs(4))


def _files(root: Path, pattern: str, skip: set[str]) -> dict[str, str]:
    """The texts under `root` by relative path, in the order of their paths."""
    found = {path.relative_to(root): path for path in root.glob(pattern)}
    return {
        name.as_posix(): path.read_text(encoding="utf-8", errors="ignore")
        for name, path in sorted(found.items())
        if not skip & set(name.parts) and not BUILD_FILES.match(name.name)
    }


def _library() -> dict[str, str]:
    return _files(Path(sysconfig.get_path("stdlib")), "**/*.py", NOT_LIBRARY)


def _english() -> dict[str, str]:
    return dict(sorted(topics.items()))


def _headers() -> dict[str, str]:
    return _files(Path(sysconfig.get_path("include")), "**/*.h", set())


def _unicode() -> dict[str, str]:
    """Names of code points by block of 256, without those made of their own number."""
    blocks: dict[str, str] = {}
    for point in range(0x110000):
        name = unicodedata.name(chr(point), "")
        if name and not name.endswith(f"-{point:04X}") and not name.startswith("HANGUL SYL"):
            key = f"{point >> 8:04x}"
            blocks[key] = blocks.get(key, "") + name + "\n"
    return blocks


def _tests() -> dict[str, str]:
    return _files(Path(sysconfig.get_path("stdlib"), "test"), "*.py", set())


SOURCES: dict[str, Callable[[], dict[str, str]]] = {
    "library": _library,
    "english": _english,
    "headers": _headers,
    "unicode": _unicode,
    "tests": _tests,
}
KINDS = tuple(SOURCES)


def split(sections: dict[str, str]) -> dict[str, str]:
    """Deals whole sections to test (10 %), search (10 %) and train, in the order of their hashes.

    Args:
        sections: text by name, a name being a path or a topic and not depending on the machine.
    """
    names = sorted(sections, key=lambda name: sha256(name.encode()).digest())
    texts = [clean(sections[name]) for name in names]
    total = min(CAP, sum(map(len, texts)))
    parts: dict[str, list[str]] = {"train": [], "search": [], "test": []}
    done = 0
    for text in texts:
        if done >= total:
            break
        part = "test" if done < 0.1 * total else "search" if done < 0.2 * total else "train"
        parts[part].append(text)
        done += len(text)
    return {part: "\n".join(found) for part, found in parts.items()}


def load() -> dict[str, dict[str, str]]:
    """The text of every kind and part: `load()["library"]["train"]`."""
    return {kind: split(source()) for kind, source in SOURCES.items()}


def missing() -> list[str]:
    """The kinds this Python has no text of; some distributions leave out tests and headers."""
    stdlib, include = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("include"))
    needed = {"tests": stdlib / "test" / "test_list.py", "headers": include / "Python.h"}
    return [kind for kind, path in needed.items() if not path.exists()]
