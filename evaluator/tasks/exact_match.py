"""Exact match: the greedy answer, cut at its stop strings, equals an expected one."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from speciate.configs import schema
from speciate.evaluator import Engine
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class ExactMatchItem(Item):
    """A prompt, and the answer or answers that count as right."""

    prompt: str = Field(min_length=1)
    answer: str | Annotated[tuple[str, ...], Field(min_length=1)]


class ExactMatch:
    """Share of right answers."""

    metric = "exact match"
    higher_is_better = True
    item = ExactMatchItem

    def __init__(
        self, task: schema.ExactMatch, items: Sequence[ExactMatchItem], tokenizer: Tokenizer
    ) -> None:
        """Tokenises the prompts once for all models."""
        self._task = task
        self._items = items
        self._tokenizer = tokenizer
        encode = tokenizer.encode_rendered if task.chat else tokenizer.encode
        self._prompts = [encode(render(item.prompt, tokenizer, task.chat)) for item in items]
        self.lengths = [len(prompt) + task.max_tokens for prompt in self._prompts]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; answers are the texts given."""
        tokens = engine.generate(self._prompts, self._task.max_tokens)
        answers = tuple(self._cut(self._tokenizer.decode(answer)) for answer in tokens)
        right = [float(self.right(index, answer)) for index, answer in enumerate(answers)]
        return Score(self.metric, tuple(right), answers)

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`."""
        expected = self._items[index].answer
        accepted = (expected,) if isinstance(expected, str) else expected
        return answer in [text.strip() if self._task.strip else text for text in accepted]

    def _cut(self, text: str) -> str:
        ends = [text.index(stop) for stop in self._task.stop if stop in text]
        text = text[: min(ends)] if ends else text
        return text.strip() if self._task.strip else text

    @staticmethod
    def fitness(value: float) -> float:
        """The share."""
        return value
