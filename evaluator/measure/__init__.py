"""Statistics of a model on texts, which merges may use: Fisher information, Gram matrices, votes.

Needs no torch, so that commands and their help are instant; `collect.py` does the work.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from speciate.errors import ConfigError

Labels = Literal["sampled", "empirical"]

# Of the inputs of linear layers; forward passes only.
INPUT_KINDS = ("gram", "mean", "mean_absolute", "second_moment")
# Of the gradients of single items.
GRADIENT_KINDS = ("fisher", "fisher_weighted", "gram_out", "rcp_votes")
KINDS = (*INPUT_KINDS, *GRADIENT_KINDS)
DEFAULT_KINDS = ("fisher", "gram")

FILE = "statistics.safetensors"
ABOUT = "statistics.json"


@dataclass(frozen=True)
class Prior:
    """What votes weigh a domain model against (RCP-Merging).

    Attributes:
        model: Folder of the reasoning model.
        statistics: Folder of its statistics, with the kind fisher_weighted.
        penalty: Lambda, the weight of the reasoning model's statistics.
    """

    model: Path
    statistics: Path
    penalty: float = 1000.0


@dataclass(frozen=True)
class Settings:
    """How statistics are collected.

    Attributes:
        kinds: Of `KINDS`.
        items: Most items, from the beginning of the task file.
        max_tokens: Each item is cut to so many tokens.
        seed: Of the labels that are sampled.
        labels: For fisher and gram_out: sampled from the model's own distribution, or the text's.
        chat: Render prompts by the tokenizer's chat template.
        memory_gib: Of accumulators for `gram`; more layers than fit take more passes.
        device: A torch device; cuda where there is one, or else cpu, if not given.
        prior: For the kind rcp_votes.
    """

    kinds: tuple[str, ...] = DEFAULT_KINDS
    items: int = 256
    max_tokens: int = 512
    seed: int = 0
    labels: Labels = "sampled"
    chat: bool = False
    memory_gib: float = 8.0
    device: str | None = None
    prior: Prior | None = None

    def check(self) -> None:
        """Whether these settings can be carried out.

        Raises:
            ConfigError: A kind is unknown or missing, a number is too small, or votes have nothing
                to be weighed against.
        """
        for kind in self.kinds:
            if kind not in KINDS:
                raise ConfigError(f"kinds: '{kind}' is not one of {', '.join(KINDS)}")
        if not self.kinds:
            raise ConfigError(f"kinds: none given; name some of {', '.join(KINDS)}")
        # Votes are counted in 16 bits.
        if not 1 <= self.items < 1 << 15:
            raise ConfigError(f"items: {self.items} is not between 1 and {(1 << 15) - 1}")
        if self.max_tokens < 2:
            raise ConfigError(f"max tokens: {self.max_tokens} leave nothing to predict; give 2")
        if not 0 <= self.seed < 1 << 64:
            raise ConfigError(f"seed: {self.seed} is not between 0 and 2**64 - 1")
        if ("rcp_votes" in self.kinds) != (self.prior is not None):
            raise ConfigError(
                "kind rcp_votes needs a reasoning model and its statistics, other kinds do not; "
                "give both or neither"
            )
