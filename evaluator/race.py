"""Races: a candidate's items are asked a few at a time, for as long as it may still be selected.

The order is that of `evaluator/items/racing.py`, keyed by the weights. So equal weights are asked
the same questions in the same batches, whichever candidate has them and who is scored first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from speciate.configs import schema
from speciate.errors import RejectedError
from speciate.evaluator.asked import Ask, Part
from speciate.evaluator.items import Stream
from speciate.evaluator.items.racing import item_order, still_possible
from speciate.evaluator.split import Split
from speciate.records import Score

Place = tuple[str, int]


@dataclass(frozen=True)
class Bar:
    """Whom a candidate must reach.

    Attributes:
        id: Of the individual.
        scores: On the search splits of the tasks that have weight.
    """

    id: str
    scores: Mapping[str, Score]


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
        parts = {task: Part() for task in self._worth}
        for start, end in self._chunks():
            for task, part in parts.items():
                numbers = [number for name, number in order[start:end] if name == task]
                if numbers:
                    part.add(numbers, ask(task, numbers))
            if bar and end < total and not self._may_reach(bar, order[:end], parts):
                raise RejectedError(
                    f"dropped after {end} of {total} items: it cannot reach {bar.id[:10]}"
                )
        return {task: part.score(sorted(part.values)) for task, part in parts.items()}

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Where each chunk starts and ends; each is twice as long as the one before."""
        start, size, total = 0, self._settings.chunk, len(self._places)
        while start < total:
            yield start, min(start + size, total)
            start, size = start + size, 2 * size

    def _may_reach(self, bar: Bar, asked: Sequence[Place], parts: Mapping[str, Part]) -> bool:
        ours = [self._worth[task] * parts[task].values[number] for task, number in asked]
        theirs = [self._worth[task] * bar.scores[task].items[number] for task, number in asked]
        total, largest = len(self._places), max(self._worth.values())
        return still_possible(ours, theirs, total, self._settings.error, largest)
