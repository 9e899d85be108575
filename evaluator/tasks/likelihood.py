"""Likelihood: how many bits a model needs for each character of a text."""

import math
from collections.abc import Sequence

from pydantic import Field

from speciate.configs import schema
from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks.item import DECIMALS, Item, render
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class LikelihoodItem(Item):
    """A text, and optionally what stands before it and is not scored."""

    text: str = Field(min_length=1)
    prompt: str = ""


class Likelihood:
    """Bits per character, -sum(log2 p) / characters, lower is better; independent of tokenizers."""

    metric = "bits/char"
    higher_is_better = False
    item = LikelihoodItem

    def __init__(
        self, task: schema.Likelihood, items: Sequence[LikelihoodItem], tokenizer: Tokenizer
    ) -> None:
        """Tokenises the items once for all models."""
        self._characters = [len(item.text) for item in items]
        self._pairs = [
            tokenizer.encode_pair(render(item.prompt, tokenizer, task.chat), item.text, task.chat)
            for item in items
        ]
        self.lengths = [len(tokens) for tokens, _ in self._pairs]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model."""
        found = engine.logprobs([tokens for tokens, _ in self._pairs])
        values = []
        for logprobs, (_, start), characters in zip(
            found, self._pairs, self._characters, strict=True
        ):
            bits = -float(logprobs[start - 1 :].sum()) / math.log(2) / characters
            if not math.isfinite(bits):
                raise EvaluationError("the model gives a text no finite likelihood")
            values.append(round(bits, DECIMALS))
        return Score(self.metric, tuple(values))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The prompts with their texts; see `Probing`."""
        return [tokens for tokens, _ in self._pairs]

    @staticmethod
    def fitness(value: float) -> float:
        """Geometric mean of the probability of a character, in (0, 1]."""
        return float(2.0**-value)
