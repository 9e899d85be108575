"""Questions to the family tree."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from speciate.errors import ArchiveError
from speciate.records import Individual

if TYPE_CHECKING:
    from speciate.population.goals import Goals


def ancestors(name: str, known: Mapping[str, Individual]) -> list[str]:
    """Ids of an individual and all its ancestors, the individual first, then by nearness."""
    order = {name: None}
    queue = [name]
    for current in queue:
        for parent in known[current].recipe.parents:
            if parent.id not in order:
                order[parent.id] = None
                queue.append(parent.id)
    return list(order)


def champion(known: Mapping[str, Individual], goals: "Goals") -> Individual:
    """The fittest ever seen on the search splits, founders included; ties go to the lower id.

    Whoever keeps to the constraints comes before all who break one.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    scored = (one for one in known.values() if one.evaluation)
    order = partial(_order, known, goals)
    found = min(scored, key=order, default=None)
    if found is None:
        raise ArchiveError("nobody has been scored yet; look again after the first step")
    return found


def _order(
    known: Mapping[str, Individual], goals: Goals, one: Individual
) -> tuple[float, float, str]:
    return goals.excess(one, known), -one.fitness, one.id
