"""Fitness: tasks, the engines that answer them, and the cache of what was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Tokens = Sequence[int]


@dataclass(frozen=True)
class Sampling:
    """How answers are written.

    Attributes:
        max_tokens: Longest answer.
        temperature: 0 takes the likeliest token, and needs no seeds.
        top_p: Probability of the smallest set of likeliest tokens that is drawn from; from all
            at 1.
        seeds: One a prompt, 0 <= seed < 2**63. The same model, prompt and seed give the same
            answer.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seeds: Sequence[int] = ()


class Engine(Protocol):
    """Runs one model at a time, or several that are adapters on one base.

    The model's weights are swapped, or the adapters are; the engine stays up.

    Attributes:
        fingerprint: All that, besides weights and task, a score may depend on: program, versions,
            dtype, device, and the digest of the model's config and tokenizer.
        limit: Longest sequence, prompt and answer together, in tokens.
        starts: How often an engine was started; 1 for the life of the object.
    """

    fingerprint: str
    limit: int
    starts: int

    def load(self, model: Path) -> None:
        """Replaces the weights by those of a model folder of the same architecture.

        Only of engines that take no adapters, or before they have some; see `load_adapters`.

        Raises:
            EvaluationError: The weights cannot be loaded. Its text is archived, so it names no
                path and nothing else of this machine; the cause is chained to it.
        """

    def load_tensors(self, tensors: "Iterable[tuple[str, Tensor]]") -> None:
        """Replaces the weights by those of a stream, such as of a model that is just being bred.

        Args:
            tensors: Names and values that a model folder would have; all of them are taken, once
                and in turn, and few are kept for long.

        Raises:
            EvaluationError: As of `load`. What the stream itself raises is passed on as it is.
                After either the weights are of no model until the next that can be loaded is.
        """

    def load_adapters(self, adapters: Sequence[Path | None]) -> None:
        """Replaces all adapters on the model that the engine started with.

        Only of engines whose config has `adapters`, the most that there may be.

        Args:
            adapters: Folders of the PEFT library, read before this returns; None stands for the
                model as it is. Numbered from 0 on, they are the present models.

        Raises:
            EvaluationError: As of `load`; none of them is to be used then.
        """

    def logprobs(
        self, sequences: Sequence[Tokens], models: Sequence[int] = ()
    ) -> "list[NDArray[np.float64]]":
        """Natural log-probabilities log p(t_i | t_0 .. t_{i-1}).

        Args:
            sequences: Token ids, each of length n >= 2 and within the engine's limit.
            models: Which of the present models reads each; the only one, or the first, if not
                given.

        Returns:
            One array of shape (n - 1,) a sequence, for tokens 1 .. n-1.
        """

    def generate(
        self, prompts: Sequence[Tokens], settings: Sampling, models: Sequence[int] = ()
    ) -> list[list[int]]:
        """Continuations, one a prompt, each ended by an end-of-text token, which is left out.

        Args:
            prompts: Token ids.
            settings: How they go on.
            models: As of `logprobs`.
        """

    def close(self) -> None:
        """Gives back memory and processes."""
