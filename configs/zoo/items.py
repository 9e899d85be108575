"""Task items cut from the held-out texts, none of which occurs in any other part."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from speciate.configs.zoo.corpus import KINDS

Texts = dict[str, dict[str, str]]
Item = dict[str, object]

TEXT, PROMPT, CHOICE, ANSWER = 64, 48, 24, 3
COUNTS = {"search": (120, 200, 100), "test": (300, 400, 100)}
COMPLETE_KINDS = ("unicode", "library")
COMMON_WORDS, SAME_WORD = 300, 2


def elsewhere(texts: Texts, part: str) -> str:
    """All text of all kinds outside `part`, to look items up in."""
    return "\0".join(by[other] for by in texts.values() for other in by if other != part)


def windows(text: str, size: int, key: int, others: str, rng: np.random.Generator) -> Iterator[str]:
    """Windows of `size` characters that never overlap, at random.

    Their first `key` characters are new: neither in `others` nor given before.
    """
    seen: set[str] = set()
    starts = np.arange(int(rng.integers(size)), len(text) - size, size)
    for start in rng.permutation(starts):
        window = text[start : start + size]
        if window[:key] not in seen and window[:key] not in others:
            seen.add(window[:key])
            yield window


def text_items(text: str, count: int, others: str, rng: np.random.Generator) -> list[Item]:
    """Texts whose bits per character are measured."""
    return [{"text": w} for w in islice(windows(text, TEXT, TEXT, others, rng), count)]


def choice_items(text: str, count: int, others: str, rng: np.random.Generator) -> list[Item]:
    """Prompts with four continuations, of which three belong to other prompts."""
    found = list(islice(windows(text, PROMPT + CHOICE, PROMPT, others, rng), 4 * count))
    endings = sorted({window[PROMPT:] for window in found})
    items: list[Item] = []
    for window in found[:count]:
        right = window[PROMPT:]
        wrong = rng.permutation([ending for ending in endings if ending != right])[:3]
        answer = int(rng.integers(4))
        choices = [str(ending) for ending in wrong]
        choices.insert(answer, right)
        items.append({"prompt": window[:PROMPT], "choices": choices, "answer": answer})
    return items


def complete_items(
    text: str, train: str, count: int, others: str, rng: np.random.Generator
) -> list[Item]:
    """The last three letters of words that are common in `train`, each word a few times at most."""
    words = Counter(re.findall(r"[A-Za-z]{5,}", train))
    left = Counter({word: SAME_WORD for word, _ in words.most_common(COMMON_WORDS)})
    found = [m for m in re.finditer(r"\b[A-Za-z]{5,}\b", text) if m.start() >= PROMPT]
    items: list[Item] = []
    for index in rng.permutation(len(found)):
        end = found[index].end() - ANSWER
        prompt = text[end - PROMPT : end]
        if len(items) < count and left[found[index][0]] and prompt not in others:
            left[found[index][0]] -= 1
            items.append({"prompt": prompt, "answer": text[end : end + ANSWER]})
    return items


def make(texts: Texts, part: str, seed: int) -> dict[str, list[Item]]:
    """All items of one part by file name, e.g. `"library.search"`."""
    rng, others = np.random.default_rng(seed), elsewhere(texts, part)
    each, choices, completes = COUNTS[part]
    made = {f"{k}.{part}": text_items(texts[k][part], each, others, rng) for k in KINDS}
    made[f"choice.{part}"] = [
        item
        for k in KINDS
        for item in choice_items(texts[k][part], choices // len(KINDS), others, rng)
    ]
    made[f"complete.{part}"] = [
        item
        for k in COMPLETE_KINDS
        for item in complete_items(
            texts[k][part], texts[k]["train"], completes // len(COMPLETE_KINDS), others, rng
        )
    ]
    return made


def write(items: list[Item], path: Path) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def read(path: Path) -> list[Item]:
    """The items of one file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
