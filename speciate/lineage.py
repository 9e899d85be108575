"""Questions to the family tree."""

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from speciate.errors import ArchiveError
from speciate.records import Individual

if TYPE_CHECKING:
    from speciate.population.goals import Goals


def ancestors(name: str, known: Mapping[str, Individual]) -> Iterator[str]:
    """Ids of an individual and all its ancestors, the individual first, then by nearness."""
    met, queue = {name}, deque([name])
    while queue:
        yield (current := queue.popleft())
        new = dict.fromkeys(parent.id for parent in known[current].recipe.parents)
        queue += [id_ for id_ in new if id_ not in met]
        met |= new.keys()


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
    known: Mapping[str, Individual], goals: "Goals", one: Individual
) -> tuple[float, float, str]:
    return goals.excess(one, known), -one.fitness, one.id
