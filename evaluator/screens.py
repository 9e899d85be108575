"""Screens: what is broken is turned away by a look at a few sequences, before it is scored."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from speciate.configs import schema
from speciate.errors import RejectedError, TaskError
from speciate.evaluator import Engine, Sampling, Tokens
from speciate.evaluator.tasks import Kind, Probing


class Screening:
    """The screens of a campaign, ready for any model."""

    def __init__(self, settings: schema.Screens, kinds: Mapping[str, Kind], limit: int) -> None:
        """Takes the first items of the kinds that show what they ask.

        Args:
            settings: How many, and the bounds.
            kinds: Of the search splits.
            limit: The engine's longest sequence in tokens.

        Raises:
            TaskError: There is nothing to look at, or no room for continuations.
        """
        probes = [
            probe
            for kind in kinds.values()
            if isinstance(kind, Probing)
            for probe in kind.probes[: settings.items]
        ]
        self._texts = [probe for probe in probes if len(probe) > 1]
        if not self._texts:
            raise TaskError("screens: no task has a text to look at; leave screens out")
        if settings.max_tokens >= limit:
            raise TaskError(
                f"screens.max_tokens = {settings.max_tokens} leaves no room for a prompt, the "
                f"engine takes {limit} tokens; lower it"
            )
        self._settings = settings
        self._prompts = [probe[: limit - settings.max_tokens] for probe in probes]

    def check(self, engine: Engine) -> None:
        """Looks at the engine's present model.

        Raises:
            RejectedError: It does not pass; the text says why.
        """
        self._check_bits(engine)
        bound = self._settings.repetition
        if bound is None:
            return
        written = engine.generate(self._prompts, Sampling(self._settings.max_tokens))
        share = sum(repeated(text, self._settings.ngram) for text in written) / len(written)
        if share > bound:
            size = self._settings.ngram
            raise RejectedError(f"screen: {share:.3f} of {size}-grams repeat, more than {bound:g}")

    def _check_bits(self, engine: Engine) -> None:
        logprobs = np.concatenate(engine.logprobs(self._texts))
        if not np.isfinite(logprobs).all():
            raise RejectedError("screen: log-probabilities are not finite")
        bits, bound = float(-logprobs.mean()) / math.log(2), self._settings.bits_per_token
        if bound is not None and bits > bound:
            raise RejectedError(f"screen: {bits:.3f} bits per token, more than {bound:g}")


def repeated(tokens: Tokens, n: int) -> float:
    """Share of a sequence's n-grams that were there before; 0 if it has none.

    Welleck et al., "Neural text generation with unlikelihood training" (2019), seq-rep-n.
    """
    ngrams: Sequence[Tokens] = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return 1 - len(set(ngrams)) / len(ngrams) if ngrams else 0.0
