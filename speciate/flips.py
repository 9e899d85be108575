"""What a child does better and worse than its parent, item by item, on the search splits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from speciate.archive.archive import Archive
from speciate.errors import ArchiveError
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.evaluator.tasks.item import DECIMALS
from speciate.front import directions
from speciate.records import Individual, Score


@dataclass(frozen=True)
class Change:
    """An item that changed: its place in the task file from 1, scores and answers of both."""

    item: int
    before: float
    after: float
    answer_before: str | None = None
    answer_after: str | None = None


@dataclass(frozen=True)
class Pair:
    """A task that parent and child were scored on.

    Attributes:
        task: Its name.
        metric: Of its scores.
        items: How many both were scored on.
        before: Mean score of the parent.
        after: Mean score of the child.
    """

    task: str
    metric: str
    items: int
    before: float
    after: float


@dataclass(frozen=True)
class Flips(Pair):
    """A task of right and wrong answers.

    Attributes:
        negative: Right before and wrong after.
        positive: Wrong before and right after.
        p_value: McNemar's exact test, two-sided: are both kinds of flips equally likely?
    """

    negative: tuple[Change, ...]
    positive: tuple[Change, ...]
    p_value: float

    def to_json(self) -> dict[str, Any]:
        """As JSON values; rates are of all items."""
        return asdict(self) | {
            "negative": [asdict(change) for change in self.negative],
            "positive": [asdict(change) for change in self.positive],
            "negative_rate": len(self.negative) / self.items,
            "positive_rate": len(self.positive) / self.items,
        }


@dataclass(frozen=True)
class Shifts(Pair):
    """A task with graded scores.

    Attributes:
        worse: Items at which the child is worse, the largest difference first.
        better: Items at which it is better, the largest difference first.
        gain: Mean paired difference, positive when the child is better; None for a single item.
        p_value: Wilcoxon's signed-rank test, two-sided, without the items that did not change.
    """

    worse: tuple[Change, ...]
    better: tuple[Change, ...]
    gain: Gain | None
    p_value: float

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        gain = self.gain
        return asdict(self) | {
            "worse": [asdict(change) for change in self.worse],
            "better": [asdict(change) for change in self.better],
            "gain": {"mean": gain.mean, "interval_95": [gain.low, gain.high]} if gain else None,
        }


@dataclass(frozen=True)
class Comparison:
    """Parent and child, task by task."""

    before: Individual
    after: Individual
    flips: tuple[Flips, ...]
    shifts: tuple[Shifts, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "before": self.before.id,
            "after": self.after.id,
            "flips": [one.to_json() for one in self.flips],
            "shifts": [one.to_json() for one in self.shifts],
        }


def compare(archive: Archive, before: str, after: str, task: str | None = None) -> Comparison:
    """Compares two individuals on the search splits; they need not be related.

    Args:
        archive: Of a campaign.
        before: The parent: the beginning of an id or commit, or a founder's name.
        after: The child, named in the same way.
        task: The only one to compare on.

    Raises:
        ArchiveError: An individual is not known or failed, they have no task in common, or not
            this one.
    """
    parent, child = _scored(archive, before), _scored(archive, after)
    return between(parent, child, directions(archive.config), task)


def between(
    parent: Individual, child: Individual, higher: Mapping[str, bool], task: str | None = None
) -> Comparison:
    """Compares two scored individuals; `higher` tells by task whether more is better.

    Raises:
        ArchiveError: They have no task in common, or not this one.
    """
    pairs = _common(parent, child, higher)
    if task is not None:
        if task not in pairs:
            listed = ", ".join(pairs)
            raise ArchiveError(f"no search scores of task {task!r}; choose from: {listed}")
        pairs = {task: pairs[task]}
    binary = {name for name, pair in pairs.items() if higher[name] and all(map(_is_binary, pair))}
    return Comparison(
        parent,
        child,
        tuple(flips(name, *pairs[name]) for name in pairs if name in binary),
        tuple(shifts(name, *pairs[name], higher[name]) for name in pairs if name not in binary),
    )


def flips(task: str, before: Score, after: Score) -> Flips:
    """Compares scores that are 1 for right and 0 for wrong."""
    from scipy.stats import binomtest

    changes = _changes(before, after)
    negative = tuple(change for change in changes if change.after < change.before)
    positive = tuple(change for change in changes if change.after > change.before)
    found = binomtest(len(negative), len(changes)).pvalue if changes else 1.0
    return Flips(
        task,
        before.metric,
        len(before.items),
        before.value,
        after.value,
        negative,
        positive,
        float(found),
    )


def shifts(task: str, before: Score, after: Score, higher_is_better: bool) -> Shifts:
    """Compares graded scores."""
    from scipy.stats import wilcoxon

    sign = 1 if higher_is_better else -1
    # Scores are rounded; so must be their differences, or equal ones would have different ranks.
    differences = np.round(np.subtract(after.items, before.items), DECIMALS)
    changes = sorted(
        _changes(before, after), key=lambda one: (-abs(one.after - one.before), one.item)
    )
    several = len(before.items) > 1
    return Shifts(
        task,
        before.metric,
        len(before.items),
        before.value,
        after.value,
        tuple(one for one in changes if sign * (one.after - one.before) < 0),
        tuple(one for one in changes if sign * (one.after - one.before) > 0),
        paired_gain(after.items, before.items, higher_is_better) if several else None,
        float(wilcoxon(differences).pvalue) if changes else 1.0,
    )


def _changes(before: Score, after: Score) -> list[Change]:
    ours: Sequence[str | None] = before.answers or [None] * len(before.items)
    theirs: Sequence[str | None] = after.answers or [None] * len(after.items)
    rows = zip(before.items, after.items, ours, theirs, strict=True)
    return [Change(item, *row) for item, row in enumerate(rows, 1) if row[0] != row[1]]


def _is_binary(score: Score) -> bool:
    return set(score.items) <= {0.0, 1.0}


def _scored(archive: Archive, text: str) -> Individual:
    """The individual that is meant, if it has scores."""
    one = archive.individual(archive.resolve(text))
    if one.evaluation is None:
        raise ArchiveError(f"{one.id[:10]} failed and has no scores ({one.error}); choose another")
    return one


def _common(
    parent: Individual, child: Individual, tasks: Iterable[str]
) -> dict[str, tuple[Score, Score]]:
    """Scores of both by task, in the order of `tasks`."""
    ours = parent.evaluation.scores if parent.evaluation else {}
    theirs = child.evaluation.scores if child.evaluation else {}
    pairs = {task: (ours[task], theirs[task]) for task in tasks if task in ours and task in theirs}
    if not pairs:
        names = f"{parent.id[:10]} and {child.id[:10]}"
        raise ArchiveError(f"{names} have no task in common; choose others")
    return pairs
