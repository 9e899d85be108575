"""Addresses of remotes: those that start no program of a stranger's choice."""

import re
from pathlib import Path

from speciate.errors import ArchiveError

_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
_USER = r"(?:[A-Za-z0-9_][\w.-]*@)?"
_SSH = re.compile(rf"ssh://{_USER}{_HOST}(?::\d{{1,5}})?/[^\s]+", re.ASCII)
_HTTPS = re.compile(rf"https://{_USER}{_HOST}(?::\d{{1,5}})?/[^\s]+", re.ASCII)
_SCP = re.compile(rf"{_USER}[A-Za-z0-9][A-Za-z0-9.-]*:(?![-:]|//)[^\s]+", re.ASCII)
_KNOWN = "give a folder, user@host:path, ssh://host/path or https://host/path"


def local_path(remote: str) -> Path | None:
    """The folder that an address means, if it is one of this machine."""
    if remote.startswith("file:///"):
        remote = remote.removeprefix("file://")
    # As git has it: what has a colon before its first slash is no path.
    if remote.startswith("-") or ":" in remote.split("/", 1)[0]:
        return None
    return Path(remote).expanduser().absolute()


def address(remote: str) -> str:
    """A remote as git is given it: an absolute path, or an address over ssh or https.

    Raises:
        ArchiveError: It is something else, such as `ext::sh -c ...`, or there is no such folder.
    """
    if not remote or not remote.isprintable():
        raise ArchiveError(f"{remote!r} is no address of a repository; {_KNOWN}")
    if (path := local_path(remote)) is not None:
        if not path.is_dir():
            raise ArchiveError(f"{path}: no such folder; make it with `git init --bare {path}`")
        return str(path)
    if any(form.fullmatch(remote) for form in (_SSH, _HTTPS, _SCP)):
        return remote
    raise ArchiveError(f"{remote!r} is no address that is safe to use; {_KNOWN}")
