"""What a model is to predict: the tokens of the text, or tokens sampled from its own distribution.

Fisher information is an expectation over the model's own labels. Here every position draws its own
label given the text before it, which costs one pass; draws of different positions being
independent, the squared gradient of their sum is an unbiased estimate.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speciate.evaluator.measure import Labels
from speciate.evaluator.measure.texts import Text
from speciate.records import digest_of


def loss(logits: Tensor, text: Text, labels: Labels, seed: int) -> Tensor:
    """Sum over the predicted tokens of -log p(label), natural logarithm.

    Args:
        logits: Of the text, (tokens, vocabulary).
        text: Token ids, and where prediction begins.
        labels: The text's own, or sampled.
        seed: Of the samples; together with the item's number it is the key of the stream.
    """
    scored = logits[text.start - 1 : -1].float()
    wanted = _sampled(scored, text, seed) if labels == "sampled" else _given(scored, text)
    return -scored.log_softmax(-1).gather(-1, wanted[:, None]).sum()


def _given(scored: Tensor, text: Text) -> Tensor:
    return torch.tensor(text.tokens[text.start :], device=scored.device)


def _sampled(scored: Tensor, text: Text, seed: int) -> Tensor:
    """By inverting the cumulated distribution, in float64."""
    cumulated = scored.detach().double().softmax(-1).cumsum(-1)
    draws = torch.from_numpy(_uniform(len(scored), seed, text.number)).to(scored.device)
    found = torch.searchsorted(cumulated, (draws * cumulated[:, -1])[:, None], right=True)
    return found[:, 0].clamp(max=scored.shape[-1] - 1)


def _uniform(count: int, seed: int, number: int) -> NDArray[np.float64]:
    """Float64 in [0, 1) by Philox; only its raw bits, which stay the same between versions."""
    key = int(digest_of([seed, "labels", number])[:32], 16)
    words: NDArray[np.uint64] = np.random.Philox(key=key).random_raw(count)
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
