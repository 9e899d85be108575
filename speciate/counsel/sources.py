"""Operators that agents wrote in this campaign, and how they did."""

from collections.abc import Iterator

from speciate.counsel import Known
from speciate.errors import ConfigError
from speciate.population.operators.evolved import declared
from speciate.records import Individual, source_digest

EVOLVED = "evolved"


def sources(known: Known) -> dict[str, tuple[str, str]]:
    """What each is said to do, and its source, by digest; in the order of their first children."""
    found: dict[str, tuple[str, str]] = {}
    for source in map(source_of, known.values()):
        if source is not None:
            found.setdefault(source_digest(source), (_sentence(source), source))
    return found


def source_of(one: Individual) -> str | None:
    """The source of the operator that made an individual, if it is an evolved one."""
    return str(one.recipe.parameters["source"]) if one.recipe.operator == EVOLVED else None


def gains(digest: str, known: Known) -> Iterator[float]:
    """Fitness of each child of an operator less that of its best parent."""
    for one in known.values():
        source = source_of(one)
        if source is not None and one.evaluation and source_digest(source) == digest:
            yield one.fitness - max(fitness_of_parents(one, known), default=0.0)


def fitness_of_parents(one: Individual, known: Known) -> list[float]:
    """Of those that have any."""
    parents = dict.fromkeys(parent.id for parent in one.recipe.parents)
    return [known[name].fitness for name in parents if known[name].evaluation]


def _sentence(source: str) -> str:
    try:
        return declared(source).sentence
    except ConfigError:  # Of a candidate that failed for that very reason.
        return ""
