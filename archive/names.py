"""Individuals named by people: by the first digits of an id, or of a commit."""

from collections.abc import Mapping

from speciate.archive.message import ABBREVIATION
from speciate.errors import ArchiveError

_SHOWN = 5


def resolve(text: str, commits: Mapping[str, str]) -> str:
    """The id of the one individual that `text` begins.

    Args:
        text: The first digits of an individual's id or of its commit's hash.
        commits: Commit hashes by id.

    Raises:
        ArchiveError: No individual is meant, or several.
    """
    wanted = text.strip().lower()
    found = _begun_by(wanted, commits) if wanted else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ArchiveError(f"{text!r} may be {_listed(found)}; give more digits")
    raise ArchiveError(f"no individual begins with {text!r}; {_nearest(wanted, commits)}")


def _begun_by(prefix: str, commits: Mapping[str, str]) -> list[str]:
    if prefix in commits:
        return [prefix]
    return [
        id_
        for id_, commit in commits.items()
        if id_.startswith(prefix) or commit.startswith(prefix)
    ]


def _nearest(text: str, commits: Mapping[str, str]) -> str:
    """What to try instead: the individuals that share the most first digits."""
    for length in range(len(text) - 1, 0, -1):
        if found := _begun_by(text[:length], commits):
            return f"nearest: {_listed(found)}"
    return "`speciate log` lists them"


def _listed(ids: list[str]) -> str:
    """Enough digits of a few ids to tell them apart."""
    length = ABBREVIATION
    while len({id_[:length] for id_ in ids}) < len(ids):
        length += 1
    shown = ", ".join(id_[:length] for id_ in ids[:_SHOWN])
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN} more"
