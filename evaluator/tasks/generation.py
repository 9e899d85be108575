"""What kinds share whose models write answers."""

from collections.abc import Sequence

from speciate.configs import schema
from speciate.evaluator import Engine, Sampling, Tokens
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import derive_seed


def answers(
    engine: Engine,
    prompts: Sequence[Tokens],
    task: schema.Generating,
    tokenizer: Tokenizer,
    items: Sequence[int] | None = None,
) -> list[list[str]]:
    """What the engine's present model writes, cut at the task's stop strings.

    Args:
        engine: With the model loaded.
        prompts: Of all items.
        task: Its section.
        tokenizer: Of the model.
        items: Numbers of those to answer; all if not given.

    Returns:
        One list a repeat, each with one text an item.
    """
    items = range(len(prompts)) if items is None else items
    count, sampled = len(items), task.temperature > 0
    keys = [(item, repeat) for repeat in range(task.repeats) for item in items]
    seeds = [answer_seed(task.seed, *key) for key in keys] if sampled else []
    settings = Sampling(task.max_tokens, task.temperature, task.top_p, seeds)
    found = engine.generate([prompts[item] for item, _ in keys], settings)
    texts = [cut(tokenizer.decode(tokens), task.stop) for tokens in found]
    return [texts[start : start + count] for start in range(0, len(texts), count)]


def answer_seed(seed: int, item: int, repeat: int) -> int:
    """Seed in 0 .. 2**63-1 of one answer, the same wherever and in whatever order it is written."""
    return derive_seed(seed, "answer", str(item), str(repeat)) >> 1


def cut(text: str, stop: Sequence[str]) -> str:
    """The text before the first of the stop strings."""
    ends = [text.index(end) for end in stop if end in text]
    return text[: min(ends)] if ends else text
