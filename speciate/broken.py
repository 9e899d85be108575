"""Which constraints of their campaign individuals break."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from speciate.archive.archive import Archive

if TYPE_CHECKING:
    from speciate.population.constraints import Violation


def broken(archive: Archive, ids: Sequence[str]) -> "Mapping[str, Sequence[Violation]]":
    """What each of some individuals breaks; nobody is read where nothing can be broken."""
    if not archive.config.get("constraints"):
        return dict.fromkeys(ids, ())
    from speciate.goals import goals_of  # Late: it takes a tenth of a second.

    goals, known = goals_of(archive.config), archive.individuals
    return {id_: goals.violations(known[id_], known) for id_ in ids}
