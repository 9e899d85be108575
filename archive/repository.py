"""The one place that speaks to git: objects are written as packs and read in batches."""

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Self, TypeAlias

from speciate.archive.packs import Hashes, Packs, oid_of
from speciate.archive.program import Program
from speciate.archive.reading import Found, Reader
from speciate.archive.reading import Object as Object
from speciate.errors import ArchiveError, DamageError

MAIN = "refs/heads/main"
EPOCH = 946_684_800  # 2000-01-01T00:00:00Z, where the logical clock starts
IDENTITY = "speciate <speciate@localhost>"
NO_COMMIT = "0" * 40

_MODES = {"blob": b"100644", "tree": b"40000"}
# What git would put beside its packs is as large as a tenth of them, and nothing here needs it.
_SETTINGS = """[core]
\tlogAllRefUpdates = false
[gc]
\tautoDetach = false
\twriteCommitGraph = false
[repack]
\twriteBitmaps = false
"""
_PATIENCE = 60  # seconds; a decision takes one
_LEFTOVERS = (
    "*.lock",
    "refs/**/*.lock",
    "objects/info/**/*.lock",
    "objects/pack/*.lock",
    "objects/pack/tmp_*",
)


Node: TypeAlias = "bytes | Object | Mapping[str, Node]"
"""What a tree holds: a file's bytes, something stored already, or a folder of nodes by name."""


class Repository:
    """A bare git repository.

    Attributes:
        folder: Where it lies (a campaign's `.git`).
        program: The git that works on it.
    """

    def __init__(self, folder: Path, also: Path | None = None) -> None:
        """Takes where it lies, and another repository whose objects are seen here too."""
        self.folder = folder.absolute()
        objects = self.folder / "objects"
        self._packs = Packs(objects / "pack")
        self.program = Program(self.folder, also)
        self._reader = Reader(self.program.start)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make an empty repository in `folder`, which need not exist.

        Raises:
            ArchiveError: git is missing or cannot write there.
        """
        repository = cls(folder)
        arguments = ("--bare", "--quiet", "--template=", "--initial-branch=main")
        status, _, said = repository.program.run("init", *arguments, str(repository.folder))
        if status:
            raise ArchiveError(f"cannot create an archive in {folder.parent}: {last_line(said)}")
        with (folder / "config").open("a") as config:
            config.write(_SETTINGS)
        return repository

    def write(self, node: Node) -> Object:
        """Take a file or a folder with all that is in it; `flush` stores it."""
        if isinstance(node, Object):
            return node
        if isinstance(node, bytes):
            return Object(self._packs.add("blob", node), "blob")
        entries = {name: self.write(child) for name, child in node.items()}
        return Object(self._packs.add("tree", _tree(entries)), "tree")

    def commit(self, tree: Object, parents: Sequence[str], message: str, second: int) -> str:
        """Take a commit dated `second` seconds after the start of the logical clock.

        Returns:
            Its hash; no ref moves.
        """
        who = f"{IDENTITY} {EPOCH + second} +0000"
        lines = [f"tree {tree.oid}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {who}", f"committer {who}", "", message]
        return self._packs.add("commit", "\n".join(lines).encode())

    def flush(self) -> None:
        """Store all that was written: a ref must not name objects that never reached the disk.

        Raises:
            ArchiveError: The disk is full or refuses.
        """
        try:
            self._packs.flush()
        except OSError as error:
            where = self.folder.parent
            raise ArchiveError(f"cannot write to {where}: {error.strerror}; then resume") from error

    def head(self) -> str | None:
        """Hash of the commit that main names, or None when there is no main.

        Raises:
            DamageError: main is there but names no commit.
        """
        with suppress(DamageError):
            found = self.read_one(MAIN + "^{commit}")
            if found is not None:
                return found[0].oid
        if (self.folder / MAIN).exists():
            raise DamageError(f"{self.folder / MAIN} names no commit; restore it from a copy")
        return None

    def advance(self, new: str, old: str | None) -> None:
        """Move main from `old` to `new` in one step, or not at all; what was written is stored.

        Raises:
            ArchiveError: Something else moved main, or holds its lock, or the disk refuses.
        """
        self.flush()
        status, _, said = self.program.run("update-ref", MAIN, new, old or NO_COMMIT)
        # A git that outlived its killed parent may have made this very move.
        if status and self.head() != new:
            where = self.folder.parent
            raise ArchiveError(f"main of {where} was not moved: {last_line(said)}; try again")

    def refs(self, folder: str) -> dict[str, str]:
        """Names of the refs below a folder such as "refs/reviews/", with what they name; sorted.

        Raises:
            DamageError: One is spoilt.
        """
        status, out, said = self.program.run(
            "for-each-ref", "--format=%(refname) %(objectname)", folder
        )
        if status or said:
            raise self._damage(said)
        return dict(line.split(" ") for line in out.splitlines())

    def add_ref(self, name: str, commit: str) -> str | None:
        """Create a ref, unless there is one of its name: of several who try, one succeeds.

        Returns:
            None if it was created, or else why git would not.

        Raises:
            ArchiveError: The disk refuses what was written.
        """
        self.flush()
        status, _, said = self.program.run("update-ref", name, commit, NO_COMMIT)
        return last_line(said) if status else None

    def steps(self, head: str, since: str | None = None) -> list[tuple[str, tuple[str, ...]]]:
        """The line of first parents up to `head`, oldest first, as (commit, all its parents).

        Args:
            head: The last commit wanted.
            since: The last commit not wanted.

        Raises:
            DamageError: A commit cannot be read.
        """
        ends = [head] if since is None else [head, f"^{since}"]
        status, out, said = self.program.run(
            "rev-list", "--first-parent", "--reverse", "--parents", *ends
        )
        if status:
            raise self._damage(said)
        lines = [line.split() for line in out.splitlines()]
        return [(commit, tuple(parents)) for commit, *parents in lines]

    def parents(self, commit: str) -> tuple[str, ...]:
        """Of a commit; none of one that is not here."""
        found = self.read_one(commit)
        header = found[1].partition(b"\n\n")[0].decode(errors="replace") if found else ""
        return tuple(line[7:] for line in header.split("\n") if line.startswith("parent "))

    def before(self, commits: Sequence[str]) -> list[str]:
        """Some commits and all that they come after, parents first.

        Raises:
            DamageError: A commit cannot be read.
        """
        if not commits:
            return []
        status, out, said = self.program.run("rev-list", "--topo-order", "--reverse", *commits)
        if status:
            raise self._damage(said)
        return out.split()

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` comes after `ancestor`; no, where one of them is not here."""
        return self.program.run("merge-base", "--is-ancestor", ancestor, commit)[0] == 0

    def read(self, names: Iterable[str]) -> Iterator[Found]:
        """Read objects: a few by asking a process that stays, many in one pass.

        Args:
            names: As git takes them: a hash, "COMMIT:path"; without line ends.

        Yields:
            Per name, in order, the object and its content; None when there is no such object.

        Raises:
            DamageError: An object cannot be read.
        """
        self.flush()
        try:
            yield from self._reader.read(names)
        except (OSError, ValueError) as error:
            raise self._damage(str(error)) from error

    def read_one(self, name: str) -> Found:
        """Read one object, as `read` does."""
        [found] = self.read([name])
        return found

    def fsck(self) -> list[str]:
        """What `git fsck --strict` finds wrong, one line each."""
        _, out, said = self.program.run(
            "fsck", "--strict", "--full", "--no-dangling", "--no-progress"
        )
        lines = [*out.splitlines(), *said.splitlines()]
        return [line for line in lines if line and not line.startswith("notice:")]

    def clear_leftovers(self) -> None:
        """Remove the locks and temporary files of killed processes; for the campaign's holder."""
        for leftover in self.leftovers():
            leftover.unlink(missing_ok=True)

    def leftovers(self) -> list[Path]:
        """Locks and temporary files of killed processes, or of the campaign's holder."""
        found = chain.from_iterable(map(self.folder.glob, _LEFTOVERS))
        return [leftover for leftover in found if not self._is_a_reviewers(leftover)]

    def _is_a_reviewers(self, lock: Path) -> bool:
        """Whether somebody may be deciding just now, beside the campaign's holder."""
        with suppress(FileNotFoundError):
            return lock.parent.name == "reviews" and time.time() - lock.stat().st_mtime < _PATIENCE
        return False

    def tidy(self) -> None:
        """Let git join small packs, each time as many as keep all work in proportion to growth.

        No hash changes. What it does not do is look for the smallest pack, as `git gc` does.
        """
        self.program.run("repack", "--geometric=2", "-d", "--quiet")

    def pack(self) -> None:
        """Let git pack all objects, and drop those of steps that were never finished.

        Not the youngest: somebody may be about to name them by a ref.
        """
        # What git would start to prune may have come with a copied folder.
        starts = self.program.run("config", "--get-all", "gc.recentObjectsHook")[0] == 0
        prune = ["repack", "-a", "-d"] if starts else ["gc", "--prune=1.hour.ago"]
        self.program.run(*prune, "--quiet")

    def scattered(self) -> list[Path]:
        """Files of objects outside of packs, and packs as far as there are several."""
        objects = self.folder / "objects"
        packs = sorted(objects.glob("pack/*.pack"))
        return [*objects.glob("[0-9a-f][0-9a-f]/*"), *(packs if len(packs) > 1 else [])]

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Kind and size of every object that lies here, in no order, without reading it.

        Raises:
            DamageError: git cannot tell.
        """
        with tempfile.TemporaryFile() as answer:
            command = ("cat-file", "--batch-all-objects", "--batch-check", "--unordered")
            status, _, said = self.program.run(*command, output=answer)
            if status:
                raise self._damage(said)
            answer.seek(0)
            for line in answer:
                _, kind, size = line.decode().split()
                yield kind, int(size)

    def take_packs(self, other: Path) -> None:
        """Move the objects that another repository on this disk has in packs; no ref moves.

        Raises:
            ArchiveError: The disk refuses.
        """
        try:
            self._packs.take(other / "objects" / "pack")
        except OSError as error:
            where = self.folder.parent
            raise ArchiveError(f"cannot write to {where}: {error.strerror}") from error

    def _damage(self, said: str) -> DamageError:
        where = self.folder.parent
        return DamageError(f"git cannot read {where}: {last_line(said)}; restore it from a copy")


class Hasher(Repository):
    """Tells under which hashes a repository would store something, and stores nothing."""

    def __init__(self, folder: Path) -> None:
        """Takes any repository's folder."""
        super().__init__(folder)
        self._packs = Hashes(folder)


def folder_oid(files: Mapping[str, bytes]) -> str:
    """Hash of the tree that holds these files and nothing else."""
    entries = {name: Object(oid_of("blob", data), "blob") for name, data in files.items()}
    return oid_of("tree", _tree(entries))


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "git did not say why"


def _tree(entries: Mapping[str, Object]) -> bytes:
    """Content of a tree object; git sorts folders as if their names ended in a slash."""
    rows = [(name.encode(), entry) for name, entry in entries.items()]
    rows.sort(key=lambda row: row[0] + (b"/" if row[1].kind == "tree" else b""))
    return b"".join(
        _MODES[entry.kind] + b" " + name + b"\0" + bytes.fromhex(entry.oid) for name, entry in rows
    )
