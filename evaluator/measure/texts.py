"""The items of a task file as token ids: what a model reads, and what of it it must predict."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from speciate.configs.load import explain
from speciate.errors import TaskError
from speciate.evaluator.measure import Settings
from speciate.evaluator.tasks.exact_match import ExactMatchItem
from speciate.evaluator.tasks.item import Item, render
from speciate.evaluator.tasks.likelihood import LikelihoodItem
from speciate.evaluator.tasks.multiple_choice import MultipleChoiceItem
from speciate.evaluator.tokenizer import Tokenizer

# Kinds of items by the key that tells them; what has neither is answered exactly.
_KINDS: dict[str, type[Item]] = {"text": LikelihoodItem, "choices": MultipleChoiceItem}


@dataclass(frozen=True)
class Text:
    """Token ids, of which those from `start` on, at least one, are to be predicted.

    Attributes:
        number: Of the item's line in the file, from 1.
    """

    tokens: tuple[int, ...]
    start: int
    number: int


@dataclass(frozen=True)
class Texts:
    """What is read of a task file.

    Attributes:
        digest: SHA-256 of the file.
        left_out: Items of which `max_tokens` leaves nothing to be predicted.
    """

    items: Sequence[Text]
    digest: str
    left_out: int


def read(path: Path, tokenizer: Tokenizer, settings: Settings) -> Texts:
    """The first items of a task file, of any kind.

    Args:
        path: JSONL with "text" (and "prompt"), "prompt" and "answer", or "prompt", "choices" and
            "answer". Of an item with a prompt only what follows is predicted.
        tokenizer: Of the model.
        settings: Most items, their length, and whether prompts are chats.

    Raises:
        TaskError: The file cannot be read, has a line that is no item, or nothing to predict.
    """
    data = _bytes(path)
    lines = [(n, line) for n, line in enumerate(_decoded(path, data), 1) if line.strip()]
    found = [_text(path, *one, tokenizer, settings) for one in lines[: settings.items]]
    kept = [text for text in found if text.start < len(text.tokens)]
    if not kept:
        raise TaskError(
            f"{path}: none of {len(found)} items has anything to predict within "
            f"{settings.max_tokens} tokens; allow more tokens, or add items"
        )
    return Texts(kept, hashlib.sha256(data).hexdigest(), len(found) - len(kept))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise TaskError(f"{path}: cannot be read ({exc.strerror}); check the path") from exc


def _decoded(path: Path, data: bytes) -> list[str]:
    try:
        # Not splitlines(): JSON may hold other line separators of Unicode.
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError as exc:
        raise TaskError(f"{path}: not UTF-8 text ({exc}); save it as UTF-8") from exc


def _text(path: Path, number: int, line: str, tokenizer: Tokenizer, settings: Settings) -> Text:
    prompt, text = _parts(_item(f"{path}:{number}", line))
    chat = settings.chat and bool(prompt)
    tokens, start = tokenizer.encode_pair(
        render(prompt, tokenizer, chat) if chat else prompt, text, chat
    )
    return Text(tuple(tokens[: settings.max_tokens]), start, number)


def _item(place: str, line: str) -> Item:
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise TaskError(f"{place}: not JSON ({exc}); correct the line") from exc
    keys = data if isinstance(data, dict) else {}
    kind = next((kind for key, kind in _KINDS.items() if key in keys), ExactMatchItem)
    try:
        return kind.model_validate_json(line)
    except ValidationError as exc:
        raise TaskError(f"{place}: not an item of a task: {explain(exc)}") from exc


def _parts(item: Item) -> tuple[str, str]:
    """The prompt, and what follows it; of several right answers the first."""
    if isinstance(item, LikelihoodItem):
        return item.prompt, item.text
    if isinstance(item, MultipleChoiceItem):
        return item.prompt, item.choices[item.answer]
    assert isinstance(item, ExactMatchItem)  # noqa: S101
    return item.prompt, item.answer if isinstance(item.answer, str) else item.answer[0]
