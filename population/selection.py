"""Who survives and who breeds: rules on (id, worth) pairs; no rule ever sees a failed candidate.

Worth is fitness, at least 0, or less than 0 for who breaks a constraint. All break ties by id, so
that the order in which a population is listed does not matter.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speciate.population.randomness import Stream

Ranked = tuple[str, float]


def ranked(pool: Sequence[Ranked]) -> list[Ranked]:
    """Best first."""
    return sorted(pool, key=lambda entry: (-entry[1], entry[0]))


def sound(pool: Sequence[Ranked]) -> list[Ranked]:
    """Those who break no constraint; all if all do."""
    return [entry for entry in pool if entry[1] >= 0] or list(pool)


def elites(pool: Sequence[Ranked], count: int) -> list[Ranked]:
    """The `count` best."""
    return ranked(pool)[:count]


def roulette(pool: Sequence[Ranked], count: int, stream: "Stream") -> list[Ranked]:
    """`count` members of `pool` without replacement, each draw in proportion to worth.

    Those of worth below 0 come only when there are no others, best first.
    """
    rest, chosen = ranked(pool), []
    for _ in range(min(count, len(rest))):
        worths = [worth for _, worth in rest if worth >= 0]
        chosen.append(rest.pop(stream.choice(worths) if worths else 0))
    return chosen


def tournament(pool: Sequence[Ranked], count: int, size: int, stream: "Stream") -> list[Ranked]:
    """`count` winners without replacement, each the best of `size` drawn from those left."""
    rest, chosen = ranked(pool), []
    for _ in range(min(count, len(rest))):
        # `rest` is ranked, so that the lowest place among those drawn is the winner's.
        places = stream.shuffle(range(len(rest)))[:size]
        chosen.append(rest.pop(min(places)))
    return chosen
