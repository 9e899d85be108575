"""What a campaign will take, by counting: rough, and said to be."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from speciate.configs import schema
from speciate.estimate import size_of
from speciate.evaluator.split import Split
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.founders import Founder
from speciate.population.weights import Checkpoint

_SIZE = 1024  # of the matrices whose product is timed
_SECONDS = 0.3
_SHARE = 0.4  # of that speed which models reach, with attention, norms and waiting
_READ = 1e9  # bytes a second at which weights are read, merged and loaded


@dataclass(frozen=True)
class Cost:
    """Rough counts.

    Attributes:
        evaluations: Candidates that are scored, founders among them.
        tokens: Of one candidate on all search items.
        seconds: Of the whole search with one engine on this machine.
        disk: Bytes that weights take at most.
    """

    evaluations: int
    tokens: int
    seconds: float
    disk: int

    def to_json(self) -> dict[str, float]:
        """As JSON values."""
        return {
            "evaluations": self.evaluations,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 1),
            "disk": self.disk,
        }


def cost_of(
    config: schema.Campaign,
    founders: tuple[Founder, ...],
    search: Mapping[str, Split],
    evaluations: int,
) -> Cost:
    """Counts tokens, multiplications and bytes, and times a product of matrices.

    Args:
        config: The campaign.
        founders: As loaded.
        search: Splits by task.
        evaluations: Candidates besides the founders.
    """
    tokens = _tokens(founders[0], search)
    model = Checkpoint(founders[0].path)
    parameters = sum(math.prod(model.shape(name)) for name in model.names)
    size = size_of(founders[-1].path)
    scored = evaluations + len(founders)
    each = 2 * parameters * tokens / (_SHARE * _speed()) + 3 * size / _READ
    # The living, what they are being bred to, and what they were bred from.
    kept = min(evaluations, 3 * config.strategy.population)
    return Cost(scored, tokens, scored * each, kept * size)


def _tokens(founder: Founder, search: Mapping[str, Split]) -> int:
    tokenizer = Tokenizer(founder.path)
    total = 0
    for split in search.values():
        kind = split.prepare(tokenizer, limit=2**31)
        choices = [len(getattr(item, "choices", "1")) for item in split.items]
        total += sum(many * length for many, length in zip(choices, kind.lengths, strict=True))
    return total


def _speed() -> float:
    """Multiplications and additions a second of this machine's GPU, or of its CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.ones(_SIZE, _SIZE, device=device)
    done, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < _SECONDS:
        (matrix @ matrix)[0, 0].item()
        done += 1
    return done * 2 * _SIZE**3 / passed
