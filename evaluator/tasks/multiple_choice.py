"""Multiple choice by log-likelihood: the model never writes, it only weighs the choices."""

from collections.abc import Sequence
from typing import Annotated, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from speciate.configs import schema
from speciate.evaluator import Engine
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score

Entry = TypeVar("Entry")


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
            tokenizer.encode_pair(prompt, choice, task.chat)
            for item in items
            for prompt in [render(item.prompt, tokenizer, task.chat)]
            for choice in item.choices
        ]
        self._counts = [len(item.choices) for item in items]
        self._units = [_units(task.normalize, item, group) for item, group in self._groups()]
        self.lengths = [max(len(tokens) for tokens, _ in group) for _, group in self._groups()]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; answers are the indices of the choices taken."""
        found = engine.logprobs([tokens for tokens, _ in self._pairs])
        sums = [
            float(logprobs[start - 1 :].sum())
            for logprobs, (_, start) in zip(found, self._pairs, strict=True)
        ]
        answers = [
            int(np.argmax(np.asarray(group) / units))
            for group, units in zip(self._grouped(sums), self._units, strict=True)
        ]
        right = [
            float(answer == item.answer) for answer, item in zip(answers, self._items, strict=True)
        ]
        return Score(self.metric, tuple(right), tuple(str(answer) for answer in answers))

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`."""
        return answer == str(self._items[index].answer)

    def _groups(self) -> list[tuple[MultipleChoiceItem, Sequence[tuple[list[int], int]]]]:
        """Each item with its tokenised choices."""
        return list(zip(self._items, self._grouped(self._pairs), strict=True))

    def _grouped(self, flat: Sequence[Entry]) -> list[Sequence[Entry]]:
        """A flat sequence over all choices, cut into the choices of each item."""
        ends = np.cumsum(self._counts)
        return [flat[end - count : end] for end, count in zip(ends, self._counts, strict=True)]

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
