"""Under which names archives and migrants lie in a repository that many share."""

import re
from collections.abc import Mapping

from speciate.archive.repository import Repository
from speciate.errors import ArchiveError

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9])){0,99}")
_SHORT = 10
CAMPAIGNS = "refs/heads/campaigns/"


def main_of(name: str) -> str:
    """The ref of a campaign's last step."""
    return f"{CAMPAIGNS}{name}"


def beside(name: str, kind: str) -> str:
    """Below which a campaign's "proposals" or "reviews" are."""
    return f"refs/campaigns/{name}/{kind}/"


def is_name(text: str) -> bool:
    """Whether a campaign or an island may be called so, in any repository and on any disk."""
    return bool(_NAME.fullmatch(text)) and not text.endswith(".lock")


def checked(name: str) -> str:
    """The name.

    Raises:
        ArchiveError: Nothing may be called so.
    """
    if not is_name(name):
        what = "letters, digits, '-' and '_', and '.' between them"
        raise ArchiveError(f"{name!r} cannot be a name in a repository; use {what}")
    return name


def default_name(config: Mapping[str, object], root: str) -> str:
    """A campaign's name for itself, and enough of its first commit to tell it from others."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", str(config.get("name", ""))).strip("-_")
    return f"{plain or 'campaign'}-{root[:_SHORT]}"


def root_of(repository: Repository, head: str) -> str:
    """The first commit of a campaign, which holds its config."""
    return repository.steps(head)[0][0]
