"""Two individuals on each task: item by item, with an interval and a test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from speciate.errors import ArchiveError
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.flips import Flips, Shifts, between
from speciate.records import Individual


@dataclass(frozen=True)
class Duel:
    """One task.

    Attributes:
        task: Its name.
        metric: Of its scores.
        items: How many both were scored on.
        before: Mean of the first.
        after: Mean of the second.
        wins: Items at which the second is better.
        losses: Items at which it is worse.
        gain: Of the second over the first, paired; None for a single item.
        test: McNemar, of right and wrong answers, or Wilcoxon; both two-sided.
        p_value: Of the test.
    """

    task: str
    metric: str
    items: int
    before: float
    after: float
    wins: int
    losses: int
    gain: Gain | None
    test: str
    p_value: float

    @property
    def ties(self) -> int:
        """Items at which nothing changed."""
        return self.items - self.wins - self.losses

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        gain = self.gain
        interval = {"mean": gain.mean, "interval_95": [gain.low, gain.high]} if gain else None
        return asdict(self) | {"ties": self.ties, "gain": interval}


def duels(
    before: Individual, after: Individual, higher: Mapping[str, bool], task: str | None = None
) -> list[Duel]:
    """All tasks that both have search scores on, or one; none if one of the two failed.

    Args:
        before: The first.
        after: The second.
        higher: Whether more is better, by task.
        task: The only one to compare on.

    Raises:
        ArchiveError: They have no scores on this task.
    """
    ours, theirs = before.evaluation, after.evaluation
    if ours is None or theirs is None or not (ours.scores.keys() & theirs.scores.keys()):
        if task is None:
            return []
        raise ArchiveError(f"not both have search scores of task {task!r}; leave out --task")
    found = between(before, after, higher, task)
    rows: list[Duel] = [_shifted(one) for one in found.shifts]
    for one in found.flips:
        pair = theirs.scores[one.task].items, ours.scores[one.task].items
        rows.append(_flipped(one, paired_gain(*pair, True) if one.items > 1 else None))
    order = list(higher)
    return sorted(rows, key=lambda row: order.index(row.task))


def _flipped(one: Flips, gain: Gain | None) -> Duel:
    pair = one.task, one.metric, one.items, one.before, one.after
    wins, losses = len(one.positive), len(one.negative)
    return Duel(*pair, wins, losses, gain, "McNemar", one.p_value)


def _shifted(one: Shifts) -> Duel:
    pair = one.task, one.metric, one.items, one.before, one.after
    wins, losses = len(one.better), len(one.worse)
    return Duel(*pair, wins, losses, one.gain, "Wilcoxon", one.p_value)
