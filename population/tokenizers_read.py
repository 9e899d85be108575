"""Vocabularies of model folders, as tokenizer.json or vocab.json have them. The files are checked.

Tokens are spelled in different ways: byte-level tokenizers write a space as "Ġ" and other bytes as
other letters, SentencePiece writes "▁" and "<0x0A>". The text that a token stands for is the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from speciate.errors import ModelError
from speciate.population.weights import read_json

TOKENIZER = "tokenizer.json"
BYTES, PIECES, PLAIN = "byte-level", "SentencePiece", "plain"
_LARGEST_FILE = 1 << 28
_LARGEST_ID = 1 << 24
_LONGEST_TOKEN = 1 << 16
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_HIDDEN = [byte for byte in range(256) if byte not in _VISIBLE]
BYTE_OF_LETTER = {chr(byte): byte for byte in _VISIBLE}
BYTE_OF_LETTER |= {chr(256 + place): byte for place, byte in enumerate(_HIDDEN)}


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model.

    Attributes:
        ids: Id of each token, as the file spells it; ids need not be without gaps.
        added: What the file says of each token that is not of the tokenizer's own model.
        spelling: How tokens are spelled: `BYTES`, `PIECES` or `PLAIN`.
    """

    ids: Mapping[str, int]
    added: Mapping[str, Mapping[str, Any]]
    spelling: str = PLAIN

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return max(self.ids.values(), default=-1) + 1

    @cached_property
    def texts(self) -> Mapping[str, int]:
        """Id of the token for each text."""
        return {self.text(token): id_ for token, id_ in self.ids.items()}

    def text(self, token: str) -> str:
        """What a token stands for; bytes that are no UTF-8 become lone surrogates."""
        if token in self.added or self.spelling == PLAIN:
            return token
        if self.spelling == PIECES:
            match = _BYTE_PIECE.fullmatch(token)
            if match is None:
                return token.replace("▁", " ")
            return bytes([int(match[1], 16)]).decode("utf-8", "surrogateescape")
        if not all(letter in BYTE_OF_LETTER for letter in token):
            return token
        return bytes(BYTE_OF_LETTER[c] for c in token).decode("utf-8", "surrogateescape")

    def find(self, token: str, of: "Vocabulary") -> int | None:
        """Id of the token that is, or stands for, what a token of another vocabulary is."""
        if self.spelling == of.spelling and token in self.ids:
            return self.ids[token]
        return self.texts.get(of.text(token))


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """The vocabulary of a model folder; None if it has neither tokenizer.json nor vocab.json.

    Raises:
        ModelError: A file is damaged, too large, or not what a tokenizer writes.
    """
    file = next((f for f in (TOKENIZER, "vocab.json") if (folder / f).is_file()), None)
    if file is None:
        return None
    read = _fast if file == TOKENIZER else _slow
    try:
        return read(folder)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as exc:
        raise ModelError(
            f"{folder}: {file} has no vocabulary ({exc!r:.200}); save the tokenizer again"
        ) from exc


def read_tokenizer_json(folder: Path, file: str) -> dict[str, Any]:
    """A JSON file of a tokenizer.

    Raises:
        ModelError: It is missing, damaged or larger than any tokenizer's.
    """
    path = folder / file
    if path.is_file() and path.stat().st_size > _LARGEST_FILE:
        raise ModelError(f"{path}: larger than {_LARGEST_FILE >> 20} MiB; do not trust this model")
    return read_json(folder, file)


def _fast(folder: Path) -> Vocabulary:
    tokenizer = read_tokenizer_json(folder, TOKENIZER)
    model = tokenizer["model"]
    own = model["vocab"]
    if isinstance(own, list):  # Unigram: positions are ids.
        own = {token: number for number, (token, _) in enumerate(own)}
    added = {token["content"]: token for token in tokenizer.get("added_tokens") or ()}
    ids = dict(own) | {content: token["id"] for content, token in added.items()}
    return Vocabulary(_checked(ids), added, _spelling(tokenizer))


def _slow(folder: Path) -> Vocabulary:
    ids = dict(read_tokenizer_json(folder, "vocab.json"))
    added: dict[str, Mapping[str, Any]] = {}
    if (folder / "added_tokens.json").is_file():
        for content, id_ in read_tokenizer_json(folder, "added_tokens.json").items():
            added[content] = {"content": content, "id": id_}
    if (folder / "tokenizer_config.json").is_file():
        config = read_tokenizer_json(folder, "tokenizer_config.json")
        for id_, token in (config.get("added_tokens_decoder") or {}).items():
            added[token["content"]] = {**token, "id": int(id_)}
    ids |= {content: token["id"] for content, token in added.items()}
    # The pair of vocab.json and merges.txt is that of byte-level tokenizers.
    return Vocabulary(_checked(ids), added, BYTES if (folder / "merges.txt").is_file() else PLAIN)


def _checked(ids: dict[str, Any]) -> dict[str, int]:
    for token, id_ in ids.items():
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            raise ValueError(f"token {token!r:.40} is no string of usual length")
        if type(id_) is not int or not 0 <= id_ < _LARGEST_ID:
            raise ValueError(f"token {token!r:.40} has the id {id_!r:.40}")
    return ids


def _spelling(tokenizer: Mapping[str, Any]) -> str:
    """Told from the steps around the tokenizer's model."""
    steps = [tokenizer.get(key) for key in ("normalizer", "pre_tokenizer", "decoder")]
    kinds = set(_kinds(steps))
    if "ByteLevel" in kinds:
        return BYTES
    pieces = {"Metaspace", "Precompiled", "ByteFallback"}
    return PIECES if kinds & pieces or tokenizer["model"].get("byte_fallback") else PLAIN


def _kinds(steps: Iterable[Any]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Mapping):
            yield str(step.get("type"))
            for key in ("normalizers", "pretokenizers", "decoders"):
                inner = step.get(key)
                yield from _kinds(inner if isinstance(inner, list) else ())
