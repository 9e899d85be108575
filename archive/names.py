"""Individuals named by people: by the first digits of an id, or of a commit."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from speciate.archive.message import ABBREVIATION
from speciate.errors import ArchiveError

_SHOWN = 5


BegunBy: TypeAlias = Callable[[str], Sequence[tuple[str, str]]]
"""Ids and commits of the individuals whose id or commit begins with some digits."""


def resolve(text: str, begun_by: BegunBy) -> str:
    """The id of the one individual that `text` begins.

    Args:
        text: The first digits of an individual's id or of its commit's hash.
        begun_by: Finds them.

    Raises:
        ArchiveError: No individual is meant, or several.
    """
    wanted = text.strip().lower()
    found = _ids(wanted, begun_by) if wanted else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ArchiveError(f"{text!r} may be {_listed(found)}; give more digits")
    raise ArchiveError(f"no individual begins with {text!r}; {_nearest(wanted, begun_by)}")


def _ids(prefix: str, begun_by: BegunBy) -> list[str]:
    ids = [id_ for id_, _ in begun_by(prefix)]
    return [prefix] if prefix in ids else ids


def _nearest(text: str, begun_by: BegunBy) -> str:
    """What to try instead: the individuals that share the most first digits."""
    for length in range(len(text) - 1, 0, -1):
        if found := _ids(text[:length], begun_by):
            return f"nearest: {_listed(found)}"
    return "`speciate log` lists them"


def _listed(ids: list[str]) -> str:
    """Enough digits of a few ids to tell them apart."""
    length = ABBREVIATION
    while len({id_[:length] for id_ in ids}) < len(ids):
        length += 1
    shown = ", ".join(id_[:length] for id_ in ids[:_SHOWN])
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN} more"
