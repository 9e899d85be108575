"""One vocabulary for several models: the tokenizer of one, with the others' tokens added.

The merges of two tokenizers make no working table of merges together. So what the first lacks is
added as tokens that are cut out of a text before it is split in any other way.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speciate.errors import ModelError
from speciate.population.tokenizers_read import (
    BYTE_OF_LETTER,
    BYTES,
    TOKENIZER,
    Vocabulary,
    read_tokenizer_json,
)

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class Addition:
    """A token that is added.

    Attributes:
        token: As the vocabulary that it is from spells it.
        vocabulary: That vocabulary.
        content: The text that it stands for.
        id: Its new id.
    """

    token: str
    vocabulary: Vocabulary
    content: str
    id: int

    @property
    def definition(self) -> dict[str, Any]:
        """What tokenizer.json says of an added token, but for its id."""
        known = self.vocabulary.added.get(self.token, {})
        return {"content": self.content} | {flag: known.get(flag) is True for flag in _FLAGS}


def additions(first: Vocabulary, others: Sequence[Vocabulary]) -> Iterator[Addition]:
    """What `first` lacks, in the order of the others and of their ids.

    Tokens that stand for no text, such as single bytes of a longer letter, are left out.
    """
    seen, id_ = set(first.ids) | set(first.texts), first.size
    for other in others:
        for token in sorted(other.ids, key=other.ids.__getitem__):
            content = other.text(token)
            lacking = first.find(token, other) is None and content not in seen
            if lacking and _can_be_added(content, first.spelling):
                seen.add(content)
                yield Addition(token, other, content, id_)
                id_ += 1


def _can_be_added(content: str, spelling: str) -> bool:
    if not content or any(0xD800 <= ord(letter) < 0xE000 for letter in content):
        return False
    # A byte-level decoder would take such letters for its own letters, and give other text.
    letters = spelling == BYTES and all(letter in BYTE_OF_LETTER for letter in content)
    return content.isascii() or not letters


def union_files(folder: Path, added: Sequence[Addition]) -> dict[str, bytes | None]:
    """The tokenizer files of a folder, with tokens added.

    Raises:
        ModelError: There is no tokenizer.json, or new tokens would not get the ids that follow.
    """
    if not added:
        return {}
    tokenizer = read_tokenizer_json(folder, TOKENIZER)
    before = tokenizer.get("added_tokens") or []
    _check_next_id(folder, tokenizer, before, added[0].id)
    tokenizer["added_tokens"] = [*before, *({"id": one.id} | one.definition for one in added)]
    files: dict[str, bytes | None] = {TOKENIZER: as_json(tokenizer)}
    if (folder / "tokenizer_config.json").is_file():
        config = read_tokenizer_json(folder, "tokenizer_config.json")
        if isinstance(config.get("added_tokens_decoder"), dict):
            config["added_tokens_decoder"] |= {str(one.id): one.definition for one in added}
            files["tokenizer_config.json"] = as_json(config)
    return files


def as_json(value: Mapping[str, Any]) -> bytes:
    """A JSON file, as the Hugging Face libraries write them."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _check_next_id(
    folder: Path, tokenizer: Mapping[str, Any], added: Sequence[Mapping[str, Any]], id_: int
) -> None:
    """The tokenizers library numbers added tokens itself: one more than before, or than its own."""
    size = len(tokenizer["model"]["vocab"])
    last = max((token["id"] for token in added), default=-1)
    if id_ != max(size, last + 1):
        raise ModelError(
            f"{folder}: ids of tokenizer.json have gaps, so none can be added; "
            "choose one model's tokenizer instead of the union"
        )
