"""A repository for one exchange: what came with an archive's folder has no say in it.

Settings of the archive's own repository are not read here: a folder that was copied from somewhere
may hold some that start programs. The user's own settings are, for ssh and for passwords.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from speciate.archive.message import one_line
from speciate.archive.repository import Repository
from speciate.archive.sharing.address import address, local_path
from speciate.archive.sharing.limits import Limits, check_size
from speciate.errors import ArchiveError

_SAFE = {
    "core.hooksPath": "/dev/null",
    "core.alternateRefsCommand": ":",
    "core.bigFileThreshold": "1m",  # larger ones go by in pieces
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    "fetch.writeCommitGraph": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "receive.autogc": "false",
    "transfer.bundleURI": "false",
}
_SETTINGS = [word for name, value in _SAFE.items() for word in ("-c", f"{name}={value}")]
# The other end, where it is a folder: neither its hooks nor its settings start anything.
_QUIET = "GIT_ALLOW_PROTOCOL= GIT_NO_LAZY_FETCH=1 git " + " ".join(
    f"-c {name}={_SAFE[name]}" for name in ("core.hooksPath", "core.alternateRefsCommand")
)
_RECEIVE = f"--receive-pack={_QUIET} -c receive.autogc=false receive-pack"
_UPLOAD = f"--upload-pack={_QUIET} upload-pack"
WIRE = ".wire-"
"""How names of the folders begin that hold one."""


class Wire:
    """An empty repository that sees the objects of an archive, if there is one.

    Attributes:
        own: Sees only what was received.
        all: Sees what the archive has, too.
    """

    def __init__(self, folder: Path, archive: Path | None, remote: str, limits: Limits) -> None:
        """Makes it in `folder`; `archive` is the `.git` of the archive.

        Raises:
            ArchiveError: The remote's address is not one that is safe to use.
        """
        self.remote, self._address = remote, address(remote)
        self._is_local = local_path(remote) is not None
        self._limits = limits
        self.own = Repository.create(folder)
        self.all = Repository(folder, archive)

    def name(self, refs: Mapping[str, str]) -> None:
        """Names commits of the archive, so that they can be sent, or need not be fetched."""
        lines = [f"{commit} {ref}\n" for ref, commit in sorted(refs.items())]
        (self.own.folder / "packed-refs").write_text("".join(lines))

    def listed(self, *patterns: str) -> dict[str, str]:
        """Refs of the remote with what they name.

        Raises:
            ArchiveError: It cannot be reached, or has too many.
        """
        upload = [_UPLOAD] if self._is_local else []
        out = self._run("ls-remote", "--refs", *upload, "--", self._address, *patterns)
        pairs = [line.split("\t", 1) for line in out.splitlines() if "\t" in line]
        if len(pairs) > self._limits.refs:
            raise ArchiveError(f"{self.remote} has more than {self._limits.refs:,} names; not read")
        return {ref: commit for commit, ref in pairs}

    def fetch(self, refspecs: Sequence[str]) -> None:
        """Fetches, and looks at the sizes of what came.

        Raises:
            ArchiveError: The remote cannot be reached, or sends what no archive holds.
        """
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--force"]
        upload = [_UPLOAD] if self._is_local else []
        options += ["--no-recurse-submodules", *upload]
        self._run("fetch", *options, "--", self._address, *refspecs)
        check_size(self.own, self._limits, self.remote)

    def push(self, refspecs: Sequence[str], *more: str) -> str:
        """Pushes all or nothing, perhaps with more options.

        Returns:
            A line a ref, as `git push --porcelain` writes them.

        Raises:
            ArchiveError: The remote cannot be reached, or refuses.
        """
        options = ["--porcelain", "--atomic", "--no-verify", "--no-recurse-submodules", *more]
        receive = [_RECEIVE] if self._is_local else []
        command = ("push", *options, *receive, "--", self._address, *refspecs)
        return self._said(self.all.program.exchange(*_SETTINGS, *command))

    def _run(self, *arguments: str) -> str:
        """What a command says that takes something from the remote."""
        files, memory = self._limits.transfer, self._limits.memory
        return self._said(
            self.all.program.exchange(*_SETTINGS, *arguments, file_bytes=files, memory_bytes=memory)
        )

    def _said(self, done: tuple[int, str, str]) -> str:
        status, out, said = done
        if status:
            raise ArchiveError(f"{self.remote}: {_reason(out, said)}")
        return out


@contextmanager
def wire(
    remote: str,
    archive: Path | None = None,
    place: Path | None = None,
    limits: Limits | None = None,
) -> Iterator[Wire]:
    """A `Wire` that is gone when left.

    Args:
        remote: See `address`.
        archive: The `.git` of an archive whose objects are seen.
        place: Folder to make it in, such as one on the archive's disk.
        limits: Of what is received.

    Raises:
        ArchiveError: The address is not one that is safe to use.
    """
    with tempfile.TemporaryDirectory(dir=place, prefix=WIRE) as scratch:
        yield Wire(Path(scratch) / "wire.git", archive, remote, limits or Limits())


def _reason(out: str, said: str) -> str:
    """Why git failed, without its advice, on one line without terminal codes."""
    for line in [*out.splitlines(), *said.splitlines()]:
        if line.startswith("!"):
            return one_line(f"refused {line[1:].strip()}; pull first, or push --as another name")
    lines = [one_line(line) for line in said.splitlines()]
    noise = ("warning", "hint", "remote:")
    telling = [line for line in lines if line and not line.lower().startswith(noise)]
    reason = (*telling, *lines, "git did not say why")[0]
    return f"{reason.removeprefix('fatal: ').removeprefix('error: ')}; check address and access"
