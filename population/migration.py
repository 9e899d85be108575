"""Migration between islands: who leaves, and from where an island takes.

Populations that breed apart and seldom exchange individuals stay different for longer than one
large population; see Whitley, Rana and Heckendorn, "The Island Model Genetic Algorithm: On
Separability, Population Size and Convergence" (1999), and Alba and Tomassini, "Parallelism and
Evolutionary Algorithms" (2002), for topologies.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from speciate.configs.islands import Islands
from speciate.population.randomness import Stream
from speciate.records import Individual, Score

PROPOSER = "island "
"""How proposers are called that are islands."""


def sources(config: Islands, draws: Stream) -> tuple[str, ...]:
    """The islands from which an island takes migrants at one time.

    Args:
        config: The island's section.
        draws: Random numbers of this time.
    """
    others = tuple(name for name in config.among if name != config.name)
    if config.topology == "all":
        return others
    if config.topology == "random":
        return (others[draws.integer(len(others))],)
    hub, place = config.among[0], config.among.index(config.name)
    if config.topology == "star":
        return others if place == 0 else (hub,)
    return (config.among[place - 1],)


def emigrants(config: Islands, members: Sequence[Individual], draws: Stream) -> tuple[str, ...]:
    """Ids of the members that are sent.

    Args:
        config: The island's section.
        members: The living that have scores, best first.
        draws: Random numbers of this time.
    """
    ids = [one.id for one in members]
    if config.choose == "random":
        return tuple(draws.shuffle(ids)[: config.emigrants])
    if config.choose == "diverse" and members:
        return tuple(ids[place] for place in _spread(_profiles(members), config.emigrants))
    return tuple(ids[: config.emigrants])


def _spread(points: NDArray[np.float64], count: int) -> list[int]:
    """The first point, then each time the one farthest from all chosen; the first of equals.

    Args:
        points: One a row, shape (n, k).
        count: How many, n at most.
    """
    chosen = [0]
    nearest = _distances(points, 0)
    while len(chosen) < min(count, len(points)):
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, _distances(points, chosen[-1]))
    return chosen


def _distances(points: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.abs(points - points[place]).mean(axis=1)
    return found


def _profiles(members: Sequence[Individual]) -> NDArray[np.float64]:
    """Scores per item, each task scaled to the largest among the members: shape (n, items)."""
    scores = [one.evaluation.scores if one.evaluation else {} for one in members]
    tasks = sorted(set(scores[0]).intersection(*scores))
    return np.concatenate([_scaled(scores, task) for task in tasks], axis=1)


def _scaled(scores: Sequence[Mapping[str, Score]], task: str) -> NDArray[np.float64]:
    values = np.array([one[task].items for one in scores], dtype=np.float64)
    return values / (np.abs(values).max() or 1.0)
