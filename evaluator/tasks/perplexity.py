"""Perplexity of whole documents, as log2: bits per word, byte or token of all of them together."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from pydantic import Field

from speciate.configs import schema
from speciate.errors import EvaluationError
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks.item import DECIMALS, Item
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class PerplexityItem(Item):
    """A document, and its number of units where the text does not tell it."""

    text: str = Field(min_length=1)
    units: int | None = Field(None, ge=1)


class Perplexity:
    """Bits per unit, lower is better: perplexity per unit is 2 to this power.

    Documents of different length weigh by their length: over n documents, an item's value is
    -log2 p(document) * n / (units of all), so that the mean is that of the whole corpus.
    """

    higher_is_better = False
    item = PerplexityItem

    def __init__(
        self, task: schema.Perplexity, items: Sequence[PerplexityItem], tokenizer: Tokenizer
    ) -> None:
        """Tokenises the documents, and cuts them into windows, once for all models."""
        self.metric = f"bits/{task.unit}"
        documents = [tokenizer.encode_pair("", item.text)[0] for item in items]
        self._units = sum(
            item.units or _units(task.unit, item.text, tokens)
            for item, tokens in zip(items, documents, strict=True)
        )
        self._windows = [list(windows(tokens, task.window)) for tokens in documents]
        self.lengths = [max(len(tokens) for tokens, _ in parts) for parts in self._windows]

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model."""
        flat = [window for parts in self._windows for window in parts]
        found = engine.logprobs([tokens for tokens, _ in flat])
        sums = [
            float(logprobs[start - 1 :].sum())
            for logprobs, (_, start) in zip(found, flat, strict=True)
        ]
        ends = accumulate((len(parts) for parts in self._windows), initial=0)
        values = [self._value(sum(sums[start:end])) for start, end in pairwise(ends)]
        return Score(self.metric, tuple(values))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The first window of each document; see `Probing`."""
        return [parts[0][0] for parts in self._windows]

    def _value(self, logprob: float) -> float:
        bits = -logprob / math.log(2) * len(self._windows) / self._units
        if not math.isfinite(bits):
            raise EvaluationError("the model gives a document no finite likelihood")
        return round(bits, DECIMALS)

    @staticmethod
    def fitness(value: float) -> float:
        """One over the perplexity, in (0, 1]."""
        return float(2.0**-value)


def windows(tokens: Tokens, size: int) -> Iterator[tuple[Tokens, int]]:
    """Parts of a document that score each of its tokens once, and where in each scoring begins.

    Each part scores up to `size` tokens behind at least one; the last has as many as fit.

    Args:
        tokens: The first only stands before the others and is not scored.
        size: Most tokens that a part scores.
    """
    for scored in range(1, len(tokens), size):
        end = min(scored + size, len(tokens))
        begin = max(0, end - size - 1)
        yield tokens[begin:end], scored - begin


def _units(unit: str, text: str, tokens: Tokens) -> int:
    """How many units a document has; words as between runs of white space, as is customary."""
    if unit == "word":
        return len(re.split(r"\s+", text))
    return len(text.encode("utf-8")) if unit == "byte" else len(tokens) - 1
