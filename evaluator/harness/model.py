"""Our engines as a model of the harness."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

import numpy as np
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from numpy.typing import NDArray

from speciate.errors import EvaluationError, TaskError
from speciate.evaluator import Sampling, Tokens
from speciate.evaluator.tasks.generation import answer_seed, cut
from speciate.evaluator.tokenizer import Tokenizer

Pair = tuple[list[int], list[int]]
_KNOWN = {"until", "max_gen_toks", "do_sample", "temperature", "top_p"}


class Backend(Protocol):
    """What of an `Engine` is needed here."""

    def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        """See `Engine.logprobs`."""

    def generate(self, prompts: Sequence[Tokens], settings: Sampling) -> list[list[int]]:
        """See `Engine.generate`."""


class EngineLM(TemplateLM):  # type: ignore[misc]
    """The present model of an engine; text is split and cut as by the harness's model "hf".

    Attributes:
        engine: May be replaced.
        tells_greedy: Whether to find out what greedy decoding writes, which few metrics ask for
            and which takes generation; False is told otherwise.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        engine: Backend,
        max_length: int | None = None,
        seed: int = 0,
        rendered: bool = False,
    ) -> None:
        """Takes an engine.

        Args:
            tokenizer: Of the engine's models.
            engine: Started.
            max_length: Tokens read at once; of what is longer, the beginning is left out.
            seed: Key of sampling.
            rendered: Prompts are rendered chats, which hold their special tokens already.
        """
        super().__init__()
        self.engine = engine
        self.tells_greedy = True
        self._tokenizer, self._max_length, self._seed = tokenizer, max_length, seed
        self._start = tokenizer.encode_pair("", ".")[0][0]
        # The same texts are asked of every model.
        self._encode = cache(tokenizer.encode_rendered if rendered else tokenizer.encode)
        self._encode_plain = cache(tokenizer.encode_rendered)

    @property
    def eot_token_id(self) -> int:
        """The token that stands before texts without a prompt."""
        return self._start

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **_: object
    ) -> list[int]:
        """Token ids of a text."""
        return self._encode_plain(string) if add_special_tokens is False else self._encode(string)

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Messages as a prompt."""
        if not add_generation_prompt:
            raise TaskError("the task begins answers (gen_prefix); set chat = false")
        return self._tokenizer.chat(chat_history)

    def loglikelihood(
        self, requests: list[Any], disable_tqdm: bool = True
    ) -> list[tuple[float, bool]]:
        """Log-likelihood of each continuation, and whether greedy decoding writes it."""
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
        return found

    def _loglikelihood_tokens(
        self, requests: list[tuple[object, list[int], list[int]]], **_: object
    ) -> list[tuple[float, bool]]:
        pairs = [self._fitted(prompt, continuation) for _, prompt, continuation in requests]
        found = self._weighed(pairs)
        greedy = self._greedy(pairs, found) if self.tells_greedy else [False] * len(pairs)
        return [(float(one.sum()), same) for one, same in zip(found, greedy, strict=True)]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        """Log-likelihood of whole texts, in windows."""
        documents = [self._windows(request.args[0]) for request in requests]
        found = iter(self._weighed([window for windows in documents for window in windows]))
        return [sum(float(next(found).sum()) for _ in windows) for windows in documents]

    def generate_until(self, requests: list[Any], disable_tqdm: bool = True) -> list[str]:
        """What is written behind each prompt, up to the first of its stop strings."""
        groups: defaultdict[Sampling, list[int]] = defaultdict(list)
        stops, seeds, asked = [], [], Counter[int]()
        for place, request in enumerate(requests):
            settings, stop = _writing(request.args[1])
            groups[settings].append(place)
            stops.append(stop)
            seeds.append(answer_seed(self._seed, request.doc_id, asked[id(request)]))
            asked[id(request)] += 1
        texts = [""] * len(requests)
        for settings, places in groups.items():
            prompts = [self._prompt(requests[place].args[0], settings) for place in places]
            drawn = [seeds[place] for place in places] if settings.temperature > 0 else []
            found = self.engine.generate(prompts, replace(settings, seeds=drawn))
            for place, tokens in zip(places, found, strict=True):
                texts[place] = cut(self._tokenizer.decode(tokens), stops[place])
        return texts

    def _weighed(self, pairs: Sequence[Pair]) -> list[NDArray[np.float64]]:
        """Log-probabilities of the tokens of each continuation."""
        found = self.engine.logprobs([prompt + continuation for prompt, continuation in pairs])
        tails = [one[len(pair[0]) - 1 :] for one, pair in zip(found, pairs, strict=True)]
        if not all(np.isfinite(tail).all() for tail in tails):
            raise EvaluationError("the model gives a text no finite likelihood")
        return tails

    def _greedy(self, pairs: Sequence[Pair], found: Sequence[NDArray[np.float64]]) -> list[bool]:
        # No token is likelier than one of more than a half.
        greedy = [bool(tail.min() > math.log(0.5)) for tail in found]
        lengths: defaultdict[int, list[int]] = defaultdict(list)
        for place, (_, continuation) in enumerate(pairs):
            if not greedy[place]:
                lengths[len(continuation)].append(place)
        for length, places in lengths.items():
            written = self.engine.generate([pairs[place][0] for place in places], Sampling(length))
            for place, tokens in zip(places, written, strict=True):
                greedy[place] = tokens == pairs[place][1]
        return greedy

    def _fitted(self, prompt: list[int], continuation: list[int]) -> Pair:
        if not continuation:
            raise TaskError("an answer to be weighed has no tokens of its own; correct the task")
        room = None if self._max_length is None else self._max_length + 1 - len(continuation)
        if room is not None and room < 1:
            raise TaskError(f"an answer has {len(continuation)} tokens; raise max_length")
        prompt = prompt or [self._start]
        return (prompt if room is None else prompt[-room:]), continuation

    def _windows(self, text: str) -> list[Pair]:
        tokens = self._encode(text)
        size = self._max_length or max(1, len(tokens))
        windows = get_rolling_token_windows(tokens, self._start, size, 1)
        return [make_disjoint_window(window) for window in windows]

    def _prompt(self, text: str, settings: Sampling) -> list[int]:
        tokens = self._encode(text) or [self._start]
        if self._max_length is None:
            return tokens
        room = self._max_length - settings.max_tokens
        if room < 1:
            raise TaskError(f"answers have {settings.max_tokens} tokens; raise max_length")
        return tokens[-room:]


def _writing(kwargs: dict[str, Any]) -> tuple[Sampling, tuple[str, ...]]:
    """How an answer is written, and the strings before which it ends."""
    settings = normalize_gen_kwargs(kwargs)
    if settings.get("num_beams") == 1:
        del settings["num_beams"]
    if others := settings.keys() - _KNOWN:
        raise TaskError(
            f"engines have no '{min(others)}' of its generation_kwargs; choose another task"
        )
    temperature = float(settings.get("temperature", 1.0)) if settings["do_sample"] else 0.0
    if 0 < temperature < 0.01:
        raise TaskError(f"{temperature:g} is too low to sample at; set temperature in generation")
    top_p = float(settings.get("top_p", 1.0)) if temperature > 0 else 1.0
    stop = tuple(text for text in settings["until"] if text)
    return Sampling(settings["max_gen_toks"], temperature, top_p), stop


class Ruler:
    """No engine, but measures what would be asked of one.

    Attributes:
        longest: Tokens of the longest sequence, prompt and answer together.
    """

    longest = 0

    def logprobs(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        """Log-probabilities of a model that is sure of everything."""
        self._measure(*(len(tokens) for tokens in sequences))
        return [np.zeros(len(tokens) - 1) for tokens in sequences]

    def generate(self, prompts: Sequence[Tokens], settings: Sampling) -> list[list[int]]:
        """Nothing, to each prompt."""
        self._measure(*(len(tokens) + settings.max_tokens for tokens in prompts))
        return [[] for _ in prompts]

    def _measure(self, *lengths: int) -> None:
        self.longest = max([self.longest, *lengths])
