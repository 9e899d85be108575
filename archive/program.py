"""The git program, as it is started: on its own terms, or on those of the user.

Nothing here depends on the user's git configuration, environment or clock, so that the same
content has the same hashes on every machine; but for `run_as_user`, by which people sign.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from typing import BinaryIO

from speciate.errors import ArchiveError

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    # Hooks that came with a copied folder are not run.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": os.devnull,
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_DEFAULT_HASH": "sha1",
    "GIT_DEFAULT_REF_FORMAT": "files",
    "GIT_NAMESPACE": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # Nothing is fetched because a copied folder's configuration says where to look for it.
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
}
# Speaking to other repositories: nobody is asked anything, and nothing waits for ever.
_NETWORK = {
    "GIT_ALLOW_PROTOCOL": "file:ssh:https",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=30"
# Of the shell, in 512 bytes for files and in KiB for memory; lower limits of the user stay.
_LIMITED = 'ulimit -S -f "$0"; ulimit -S -v "$1"; shift; exec "$@"'
_GIT = "git"
_MISSING = "the program git was not found; install git 2.32 or later"


class Program:
    """Git, to be run on one repository."""

    def __init__(self, folder: Path, also: Path | None = None) -> None:
        """Takes where it lies, and another repository whose objects are seen there too."""
        self._folder = folder
        place = {"GIT_DIR": str(folder), "GIT_OBJECT_DIRECTORY": str(folder / "objects")}
        if also is not None:
            place["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = _quoted(also.absolute() / "objects")
        self._own = {**_ENVIRONMENT, **place}
        self._users = {**place, "GIT_NAMESPACE": ""}

    def run(
        self,
        *arguments: str,
        as_user: bool = False,
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        output: BinaryIO | None = None,
    ) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a git command."""
        # It takes longer to import than most commands that only read may take in all.
        from git import Git
        from git.exc import GitCommandNotFound

        program = Git(str(self._folder.parent))
        program.update_environment(**(self._users if as_user else self._own))
        try:
            status, out, said = program.execute(
                [*before, _GIT, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                start_new_session=not as_user or bool(before),
                env=environment,
                output_stream=output,
            )
        except GitCommandNotFound as error:
            raise ArchiveError(_MISSING) from error
        return status, str(out), str(said)

    def run_as_user(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a git command that obeys the user's configuration."""
        return self.run(*arguments, as_user=True)

    def exchange(
        self, *arguments: str, file_bytes: int | None = None, memory_bytes: int | None = None
    ) -> tuple[int, str, str]:
        """As `run_as_user`, for a command that speaks to another repository.

        Args:
            arguments: Of git.
            file_bytes: It may write no larger file, if given.
            memory_bytes: It may not use more, if given.
        """
        environment = {"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", _SSH), **_NETWORK}
        files = "unlimited" if file_bytes is None else str(file_bytes // 512)
        memory = "unlimited" if memory_bytes is None else str(memory_bytes // 1024)
        before = ("sh", "-c", _LIMITED, files, memory)
        return self.run(*arguments, as_user=True, before=before, environment=environment)

    def start(self, *arguments: str, stdin: BinaryIO | int) -> Popen[bytes]:
        """A git command that runs; Ctrl-C, which may only ask the campaign to stop, ends it not."""
        environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **self._own}
        try:
            return Popen(
                [_GIT, *arguments],
                stdin=stdin,
                stdout=PIPE,
                stderr=PIPE,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise ArchiveError(_MISSING) from error


def _quoted(path: Path) -> str:
    """A path as a list of folders in git's environment takes it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
