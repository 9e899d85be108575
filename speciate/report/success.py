"""How the children of an operator, or of a proposer, compare with their best parent."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from speciate.records import FOUNDER
from speciate.report.people import Floats, Ints, People

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Success:
    """Of one kind.

    Attributes:
        name: The operator, the agent's arm or the proposer.
        offspring: How many were bred.
        failed: Of these, those without a fitness.
        better: Of these, those fitter than their best parent.
        gain: Mean of fitness less that of the best parent; NaN without any to compare.
        low: Where its 95% interval begins (Student's t); NaN for fewer than two.
        high: Where it ends.
    """

    name: str
    offspring: int
    failed: int
    better: int
    gain: float
    low: float
    high: float


def successes(people: People, kinds: Ints) -> list[Success]:
    """Of all kinds but founders, from the one with most offspring.

    Args:
        people: Everybody.
        kinds: Codes of words by place, such as `people.operators`.
    """
    gains = people.fitness - _best_parents(people)
    bred = np.array([people.words[code] != FOUNDER for code in people.operators])
    found = [
        _success(
            people, code, gains[bred & (kinds == code)], people.fitness[bred & (kinds == code)]
        )
        for code in np.unique(kinds[bred])
    ]
    return sorted(found, key=lambda one: (-one.offspring, one.name))


def _success(people: People, code: int, gains: Floats, fitness: Floats) -> Success:
    known = gains[~np.isnan(gains)]
    mean = float(known.mean()) if known.size else np.nan
    half = np.nan
    if known.size > 1:
        error = float(known.std(ddof=1)) / np.sqrt(known.size)
        half = error * float(stdtrit(known.size - 1, (1 + CONFIDENCE) / 2))
    failed = int(np.isnan(fitness).sum())
    better = int((known > 0).sum())
    return Success(people.words[code], len(gains), failed, better, mean, mean - half, mean + half)


def _best_parents(people: People) -> Floats:
    """The fitness of each one's best parent that has any; NaN where there is none."""
    best = np.full(len(people.ids), np.nan)
    children = np.repeat(np.arange(len(people.ids)), np.diff(people.starts))
    np.fmax.at(best, children, people.fitness[people.parents])
    return best
