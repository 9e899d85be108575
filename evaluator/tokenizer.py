"""Text to token ids, the same for every engine, and the digest of what decides it."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from speciate.errors import ModelError, TaskError

FRAME_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
)


def frame_digest(model: Path) -> str:
    """SHA-256 over the files, weights apart, that decide what a model answers."""
    digest = hashlib.sha256()
    for name in FRAME_FILES:
        file = model / name
        if file.is_file():
            digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


class Tokenizer:
    """The tokenizer of a model folder."""

    def __init__(self, model: Path) -> None:
        """Loads it.

        Raises:
            ModelError: The folder has no tokenizer that transformers can load without running code.
        """
        # Here, not above: it takes seconds, and commands that only read need no tokenizer.
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model, local_files_only=True)
        except (OSError, ValueError, KeyError) as exc:
            raise ModelError(
                f"{model}: its tokenizer cannot be loaded ({exc}); add tokenizer.json"
            ) from exc
        self._model = model

    def encode(self, text: str) -> list[int]:
        """Token ids of a whole text, with the special tokens that the model expects before it."""
        return list(self._tokenizer(text)["input_ids"])

    def encode_pair(
        self, prompt: str, continuation: str, rendered: bool = False
    ) -> tuple[list[int], int]:
        """Token ids of prompt and continuation together, and where the continuation begins.

        White space at the end of the prompt is scored with the continuation, since tokenizers
        merge it with the word that follows; so is a token that the two share. At least one token
        stands before what is scored.

        Args:
            prompt: May be empty.
            continuation: Not empty.
            rendered: The prompt is a rendered chat, which holds its special tokens and its last
                white space already.
        """
        encode = self.encode_rendered if rendered else self.encode
        stripped = prompt if rendered else prompt.rstrip()
        whole = self._prefixed(encode(prompt + continuation))
        before = self._prefixed(encode(stripped))
        same = next(
            (place for place, (a, b) in enumerate(zip(whole, before, strict=False)) if a != b),
            min(len(whole), len(before)),
        )
        return whole, min(max(1, same), len(whole) - 1)

    def _prefixed(self, tokens: Sequence[int]) -> list[int]:
        """With a token to condition on, for tokenizers that put none at the beginning."""
        start = self._start
        return list(tokens) if tokens and tokens[0] == start else [start, *tokens]

    @cached_property
    def _start(self) -> int:
        for token in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        raise ModelError(f"{self._model}: its tokenizer has neither a bos nor an eos token")

    def chat(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt that the chat template makes of messages, ready for the answer.

        Raises:
            TaskError: The tokenizer has no chat template.
        """
        if not self._tokenizer.chat_template:
            raise TaskError(
                f"{self._model}: the tokenizer has no chat template; set chat = false in the task"
            )
        return str(
            self._tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True
            )
        )

    def encode_rendered(self, text: str) -> list[int]:
        """Token ids of text that already holds its special tokens (a rendered chat)."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of token ids, special tokens left out."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))
