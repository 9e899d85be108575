"""Who is champion of an archive."""

from speciate.archive.archive import Archive
from speciate.lineage import champion
from speciate.population.goals import Goals
from speciate.records import Individual


def champion_of(archive: Archive, goals: Goals) -> Individual:
    """The champion of an archive, who is found without looking at everybody.

    Raises:
        ArchiveError: Nobody has been scored yet.
    """
    known = archive.individuals
    for name in archive.index.fittest(known.count):
        if not goals.excess(known[name], known):
            return known[name]
    return champion(known, goals)
