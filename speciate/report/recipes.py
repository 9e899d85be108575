"""Recipes in words, of those individuals that a report shows."""

from collections.abc import Iterator, Mapping, Sequence

from speciate.archive.archive import Archive
from speciate.progress import Progress
from speciate.records import Individual, Recipe
from speciate.report import labels
from speciate.report.people import People
from speciate.words import describe

_FOUNDERS = 1000
"""At most so many are read to be called by name; any others are called by id."""


def told(archive: Archive, people: People, places: Sequence[int], tell: Progress) -> list[str]:
    """Of individuals, in this order.

    Raises:
        DamageError: One is not what was recorded.
    """
    named = [people.ids[place] for place in people.founders[:_FOUNDERS]]
    founders = {id_: archive.individual(id_) for id_ in named}
    return list(_told(archive, [people.ids[place] for place in places], founders, tell))


def _told(
    archive: Archive, ids: Sequence[str], founders: Mapping[str, Individual], tell: Progress
) -> Iterator[str]:
    for done, recipe in enumerate(archive.recipes(ids), start=1):
        tell(done, len(ids))
        yield labels.words(_words(recipe, founders))


def _words(recipe: Recipe, founders: Mapping[str, Individual]) -> str:
    try:
        return describe(recipe, founders)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Parameters that no operator of ours takes: of another version, or of a stranger.
        return recipe.operator
