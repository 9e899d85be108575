"""Multiple choice by log-likelihood: the model never writes, it only weighs the choices."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from speciate.configs import schema
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class MultipleChoiceItem(Item):
    """A prompt, its possible continuations, and the index of the right one."""

    prompt: str
    choices: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    answer: int = Field(ge=0)

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Self:
        if self.answer >= len(self.choices):
            raise ValueError(f"answer {self.answer} is not one of {len(self.choices)} choices")
        return self


class MultipleChoice:
    """Accuracy of the most likely choice; the first of equals counts."""

    metric = "accuracy"
    higher_is_better = True
    item = MultipleChoiceItem

    def __init__(
        self, task: schema.MultipleChoice, items: Sequence[MultipleChoiceItem], tokenizer: Tokenizer
    ) -> None:
        """Tokenises every choice behind its prompt once for all models."""
        self._items = items
        self._pairs = [
            [tokenizer.encode_pair(prompt, choice, task.chat) for choice in item.choices]
            for item in items
            for prompt in [render(item.prompt, tokenizer, task.chat)]
        ]
        self._units = [
            _units(task.normalize, item, pairs)
            for item, pairs in zip(items, self._pairs, strict=True)
        ]
        self.lengths = [max(len(tokens) for tokens, _ in pairs) for pairs in self._pairs]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; answers are the indices of the choices taken."""
        return self.score_items(engine, range(len(self._items)))

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """See `Partial`."""
        asked = [pair for index in items for pair in self._pairs[index]]
        found = engine.logprobs([tokens for tokens, _ in asked])
        sums = (
            float(logprobs[start - 1 :].sum())
            for logprobs, (_, start) in zip(found, asked, strict=True)
        )
        units = [self._units[index] for index in items]
        answers = [int(np.argmax(np.array([*islice(sums, len(one))]) / one)) for one in units]
        right = [
            float(answer == self._items[index].answer)
            for answer, index in zip(answers, items, strict=True)
        ]
        return Score(self.metric, tuple(right), tuple(str(answer) for answer in answers))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The prompts, each with its right choice; see `Probing`."""
        return [pairs[item.answer][0] for item, pairs in zip(self._items, self._pairs, strict=True)]

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`."""
        return answer == str(self._items[index].answer)

    @staticmethod
    def fitness(value: float) -> float:
        """The accuracy."""
        return value


def _units(
    normalize: str, item: MultipleChoiceItem, pairs: Sequence[tuple[list[int], int]]
) -> list[int]:
    """What each choice's log-likelihood is divided by."""
    if normalize == "characters":
        return [len(choice) for choice in item.choices]
    if normalize == "tokens":
        return [len(tokens) - start for tokens, start in pairs]
    return [1] * len(pairs)
