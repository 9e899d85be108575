"""A remote that others share, and whatever a stranger may put into it."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.sharing.push import push
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]
Entry = tuple[bytes, bytes, str]
"""Mode, name and hash of a tree's entry."""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository."""
    subprocess.run(["git", "init", "--bare", "--quiet", tmp_path / "remote.git"], check=True)
    return tmp_path / "remote.git"


@pytest.fixture
def grow(make_script: Callable[[int], Script]) -> Callable[[Path, int], str]:
    """Goes on with the scripted campaign up to some number of steps."""

    def further(folder: Path, steps: int) -> str:
        with Archive.open(folder, writable=True) as archive:
            done = archive.state.step + 1 if archive.state else 0
            for state, born in make_script(steps)[done:]:
                archive.commit_step(state, born)
            return archive.head

    return further


class Forge:
    """A remote with a campaign, whose last step is written anew with stock git's own tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.head, self.ref = self.run("show-ref", "--heads").split()
        self.before, self.victim, *self.others = self.run(
            "log", "-1", "--format=%P", self.head
        ).split()

    def run(self, *arguments: str, given: bytes = b"") -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, input=given)
        return done.stdout.decode().strip()

    def put(self, kind: str, data: bytes) -> str:
        """An object with any content."""
        return self.run("hash-object", "-w", "--literally", "-t", kind, "--stdin", given=data)

    def blob(self, data: bytes) -> str:
        return self.put("blob", data)

    def tree(self, entries: Sequence[Entry]) -> str:
        return self.put(
            "tree", b"".join(m + b" " + n + b"\0" + bytes.fromhex(o) for m, n, o in entries)
        )

    def entries(self, tree: str) -> list[Entry]:
        """Of a stored tree."""
        found = []
        for line in self.run("ls-tree", "-z", tree).split("\0"):
            if line:
                mode, _, rest = line.split(" ", 2)
                oid, name = rest.split("\t")
                found.append((mode.lstrip("0").encode(), name.encode(), oid))
        return found

    def commit(self, old: str, tree: str | None = None, edit: Callable[[str], str] = str) -> str:
        """A stored commit with another tree, or with its text edited."""
        text = self.run("cat-file", "commit", old) + "\n"
        if tree:
            text = text.replace(text.split("\n")[0], f"tree {tree}", 1)
        return self.put("commit", edit(text).encode("utf-8", "surrogateescape"))

    def publish(self, victim: str | None = None, step: Callable[[str], str] = str) -> None:
        """The last step, with another first individual in it, or with its text edited."""

        def edit(text: str) -> str:
            return step(text.replace(f"parent {self.victim}", f"parent {victim or self.victim}"))

        self.run("update-ref", self.ref, self.commit(self.head, edit=edit))

    def with_files(self, files: Mapping[str, bytes]) -> str:
        """The first individual of the last step with other files."""
        kept = [one for one in self.entries(self.victim) if one[1].decode() not in files]
        new = [(b"100644", name.encode(), self.blob(data)) for name, data in files.items()]
        return self.commit(self.victim, self.tree(sorted(kept + new, key=lambda one: one[1])))

    def file(self, name: str) -> bytes:
        """Of the first individual of the last step."""
        return subprocess.run(
            ["git", "-C", str(self.folder), "show", f"{self.victim}:{name}"],
            check=True,
            capture_output=True,
        ).stdout


@pytest.fixture(scope="session")
def _pushed(_original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pushed") / "remote.git"
    subprocess.run(["git", "init", "--bare", "--quiet", folder], check=True)
    push(Archive.open(_original), str(folder))
    return folder


@pytest.fixture
def forge(tmp_path: Path, _pushed: Path) -> Forge:
    """In the folder that `remote` would be in."""
    return Forge(shutil.copytree(_pushed, tmp_path / "remote.git"))
