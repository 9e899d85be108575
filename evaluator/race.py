"""Races: a candidate's items are asked a few at a time, for as long as it may still be selected.

The order is that of `evaluator/items/racing.py`, keyed by the weights. So equal weights are asked
the same questions in the same batches, whichever candidate has them and who is scored first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from speciate.configs import schema
from speciate.errors import ConfigError, RejectedError
from speciate.evaluator.items import Stream
from speciate.evaluator.items.racing import item_order, still_possible
from speciate.evaluator.split import Split
from speciate.evaluator.tasks import Partial, kind_of
from speciate.records import Score

Place = tuple[str, int]
Ask = Callable[[str, Sequence[int]], Score]


@dataclass(frozen=True)
class Bar:
    """Whom a candidate must reach.

    Attributes:
        id: Of the individual.
        scores: On the search splits of the tasks that have weight.
    """

    id: str
    scores: Mapping[str, Score]


@dataclass(frozen=True)
class Trial:
    """Says of a candidate that it may be turned away before it is scored in full.

    Attributes:
        bar: Whom it must reach; None if it may be worse than anybody.
    """

    bar: Bar | None = None


@dataclass
class _Part:
    """What is known of one task: values and answers by the numbers of items."""

    metric: str = ""
    values: dict[int, float] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)

    def add(self, numbers: Sequence[int], score: Score) -> None:
        self.metric = score.metric
        self.values.update(zip(numbers, score.items, strict=True))
        if score.answers is not None:
            self.answers.update(zip(numbers, score.answers, strict=True))

    def score(self) -> Score:
        """Of all items, in the order of the file."""
        order = sorted(self.values)
        answers = tuple(self.answers[number] for number in order) if self.answers else None
        return Score(self.metric, tuple(self.values[number] for number in order), answers)


def check_race(config: schema.Campaign) -> None:
    """Before anything is started: whether the tasks of a campaign can be raced, if they are to be.

    Raises:
        ConfigError: One cannot.
    """
    for task in config.tasks if config.race else ():
        if task.weight > 0 and not issubclass(kind_of(task), Partial):
            raise ConfigError(
                f"task '{task.name}' cannot race: {task.kind} gives items no values between 0 and "
                "1 whose mean is the fitness; leave out strategy.race, or set the task's weight = 0"
            )


class Race:
    """The items of all tasks that have weight, each worth its share of the fitness.

    An item of task t is worth w_t N / (n_t sum(w)), so that the mean over all N items is the
    fitness.
    """

    def __init__(
        self, settings: schema.Race, splits: Mapping[str, Split], stream: Callable[[str], Stream]
    ) -> None:
        """Gets ready for any candidate.

        Args:
            settings: Error and size of the first chunk.
            splits: The search splits; all that have weight are of kinds that are `Partial`.
            stream: Random numbers by the digest of weights.
        """
        self._settings, self._stream = settings, stream
        weighted = {name: split for name, split in splits.items() if split.task.weight > 0}
        self._places = [
            (name, number) for name, split in weighted.items() for number in range(len(split.items))
        ]
        weights = sum(split.task.weight for split in weighted.values())
        self._worth = {
            name: split.task.weight * len(self._places) / (len(split.items) * weights)
            for name, split in weighted.items()
        }

    def run(self, digest: str, bar: Bar | None, ask: Ask) -> dict[str, Score]:
        """The full scores of a candidate on all tasks that have weight.

        Args:
            digest: Of its weights.
            bar: Whom it must reach; without one, all items are asked.
            ask: Scores some items of a task, in the order given.

        Raises:
            RejectedError: It was dropped.
        """
        total = len(self._places)
        order = [self._places[place] for place in item_order(total, self._stream(digest))]
        parts = {task: _Part() for task in self._worth}
        for start, end in self._chunks():
            for task, part in parts.items():
                numbers = [number for name, number in order[start:end] if name == task]
                if numbers:
                    part.add(numbers, ask(task, numbers))
            if bar and end < total and not self._may_reach(bar, order[:end], parts):
                raise RejectedError(
                    f"dropped after {end} of {total} items: it cannot reach {bar.id[:10]}"
                )
        return {task: part.score() for task, part in parts.items()}

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Where each chunk starts and ends; each is twice as long as the one before."""
        start, size, total = 0, self._settings.chunk, len(self._places)
        while start < total:
            yield start, min(start + size, total)
            start, size = start + size, 2 * size

    def _may_reach(self, bar: Bar, asked: Sequence[Place], parts: Mapping[str, _Part]) -> bool:
        ours = [self._worth[task] * parts[task].values[number] for task, number in asked]
        theirs = [self._worth[task] * bar.scores[task].items[number] for task, number in asked]
        total, largest = len(self._places), max(self._worth.values())
        return still_possible(ours, theirs, total, self._settings.error, largest)
