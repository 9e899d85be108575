"""What is known of a candidate whose items are asked a few at a time."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from speciate.records import Score

Ask = Callable[[str, Sequence[int]], Score]


@dataclass
class Part:
    """What is known of one task: values and answers by the numbers of items."""

    metric: str = ""
    values: dict[int, float] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)

    def add(self, numbers: Sequence[int], score: Score) -> None:
        """Takes in the score on some items, in their order."""
        self.metric = score.metric
        self.values.update(zip(numbers, score.items, strict=True))
        if score.answers is not None:
            self.answers.update(zip(numbers, score.answers, strict=True))

    def score(self, numbers: Sequence[int]) -> Score:
        """On items that were asked, in the order given."""
        answers = tuple(self.answers[number] for number in numbers) if self.answers else None
        return Score(self.metric, tuple(self.values[number] for number in numbers), answers)


class AskOnce:
    """Asks no item twice; for whoever asks later it is as if all were asked again."""

    def __init__(self, ask: Ask) -> None:
        """Asks by `ask`."""
        self._ask = ask
        self._parts: defaultdict[str, Part] = defaultdict(Part)

    def __call__(self, task: str, items: Sequence[int]) -> Score:
        """Scores some items of a task, in the order given."""
        part = self._parts[task]
        if new := [number for number in items if number not in part.values]:
            part.add(new, self._ask(task, new))
        return part.score(items)
