"""Exact match: the answer, or what is found in it, equals an expected one."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from speciate.configs import schema
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.ensemble import majority
from speciate.evaluator.tasks.extraction import NO_ANSWER, comparable, extractor, number
from speciate.evaluator.tasks.generation import answers
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class ExactMatchItem(Item):
    """A prompt, and the answer or answers that count as right."""

    prompt: str = Field(min_length=1)
    answer: str | Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def accepted(self) -> tuple[str, ...]:
        """All answers that are right."""
        return (self.answer,) if isinstance(self.answer, str) else self.answer

    def check(self, task: schema.Task) -> None:
        """Refuses answers without a number where numbers are compared."""
        if isinstance(task, schema.ExactMatch) and task.extract == "number":
            for text in self.accepted:
                if number(text) == NO_ANSWER:
                    raise ValueError(f"answer: there is no number in {text!r}")


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
        self._extract = extractor(task)
        self._right = [self._accepted(item) for item in items]
        self._tokenizer = tokenizer
        encode = tokenizer.encode_rendered if task.chat else tokenizer.encode
        self._prompts = [encode(render(item.prompt, tokenizer, task.chat)) for item in items]
        self.lengths = [len(prompt) + task.max_tokens for prompt in self._prompts]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; an item's answer is its repeats' most frequent one."""
        return self.score_items(engine, range(len(self._prompts)))

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """See `Partial`."""
        texts = answers(engine, self._prompts, self._task, self._tokenizer, items)
        found = [[self._found(text) for text in repeat] for repeat in texts]
        values = [
            sum(self.right(index, answer) for answer in repeats) / len(repeats)
            for index, repeats in zip(items, zip(*found, strict=True), strict=True)
        ]
        return Score(self.metric, tuple(values), tuple(majority(found)))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The prompts; see `Probing`."""
        return self._prompts

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`."""
        if self._task.extract != "none" and answer == NO_ANSWER:
            return False
        return comparable(answer, self._task) in self._right[index]

    def _found(self, text: str) -> str:
        answer = self._extract(text)
        return answer.strip() if self._task.strip else answer

    def _accepted(self, item: ExactMatchItem) -> frozenset[str]:
        read = number if self._task.extract == "number" else str
        return frozenset(comparable(read(text), self._task) for text in item.accepted)

    @staticmethod
    def fitness(value: float) -> float:
        """The share."""
        return value
