"""Who reviews: the user, as git knows him, and commits in his name."""

import re
from collections.abc import Sequence

from speciate.archive.message import one_line
from speciate.archive.repository import Object, Repository, last_line
from speciate.errors import ArchiveError

# git may not guess a name from the machine's, nor write messages in any other encoding.
_RULES = ("-c", "user.useConfigOnly=true", "-c", "i18n.commitEncoding=UTF-8")
# What could start a program of a stranger's choice, or hide that it does.
_PROGRAMS = r"^(gpg|include|includeif|extensions\.worktreeconfig)(\.|$)"
_IDENTITY = re.compile(r"([^<>\n]*<[^<>\n]*>) -?\d+ [+-]\d{4}")


def reviewer(repository: Repository) -> str:
    """The user's git identity, as in "Ada <ada@example.org>".

    Raises:
        ArchiveError: git knows of none.
    """
    status, out, said = repository.program.run_as_user(*_RULES, "var", "GIT_AUTHOR_IDENT")
    name = author(f"author {out}")
    if status or name is None:
        reason = last_line(said).removeprefix("fatal: ")
        remedy = "set user.name and user.email with `git config --global`"
        raise ArchiveError(f"git does not know who you are ({reason}); {remedy}")
    return name


def commit_as_reviewer(
    repository: Repository, tree: Object, parents: Sequence[str], message: str
) -> str:
    """Store a commit in the user's name, dated now, and signed if the user's git signs commits.

    Returns:
        Its hash; no ref moves.

    Raises:
        ArchiveError: git cannot sign, or cannot write.
    """
    _check_programs(repository)
    asked = ("config", "--type=bool", "--get", "commit.gpgSign")
    _, signs, _ = repository.program.run_as_user(*asked)
    sign = ["-S"] if signs == "true" else []
    before = [word for parent in parents for word in ("-p", parent)]
    command = ("commit-tree", *sign, *before, "-m", message, tree.oid)
    repository.flush()
    status, out, said = repository.program.run_as_user(*_RULES, *command)
    if status:
        reason = " ".join(said.split())
        kind = "sign a commit" if sign else "commit"
        where = repository.folder.parent
        raise ArchiveError(f"git cannot {kind} in {where}: {reason}; set git up and try again")
    return out


def _check_programs(repository: Repository) -> None:
    """A folder may be copied from anywhere, and with it a configuration."""
    asked = ("config", "--local", "--name-only", "--get-regexp", _PROGRAMS)
    _, found, _ = repository.program.run_as_user(*asked)
    if found:
        name, where = one_line(found.splitlines()[0]), repository.folder / "config"
        raise ArchiveError(f"{where} sets {name}; set it with `git config --global` instead")


def author(header: str) -> str | None:
    """Who a commit says wrote it, on one line that holds no terminal code."""
    for line in header.split("\n"):
        if line.startswith("author "):
            found = _IDENTITY.fullmatch(line.removeprefix("author "))
            return one_line(found[1]) if found else None
    return None
