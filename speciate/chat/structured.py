"""Replies as objects: JSON by the schema of a pydantic model, whatever the endpoint can do."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from speciate.chat import Chat, Message, Reply, Request
from speciate.configs.load import explain
from speciate.errors import ReplyError

Model = TypeVar("Model", bound=BaseModel)

# The whole reply, and never a part of it: a reply may quote JSON that somebody else wrote.
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


@dataclass(frozen=True)
class Answer(Generic[Model]):
    """A reply as an object.

    Attributes:
        value: What was answered at last.
        replies: All that it took; the last is the value's.
    """

    value: Model
    replies: tuple[Reply, ...]


async def ask_for(
    chat: Chat,
    messages: Sequence[Message],
    model: type[Model],
    tries: int = 3,
    seed: int | None = None,
) -> Answer[Model]:
    """Asks until the reply is an object of a model, telling each time what was wrong.

    Args:
        chat: Who is asked.
        messages: The conversation so far.
        model: Of the reply. Endpoints are strict about it: forbid further keys, and give no field
            a default.
        tries: Most replies.
        seed: See `Request`.

    Raises:
        ReplyError: No reply was such an object.
        ChatError: See `Chat.ask`.
    """
    request = Request(tuple(messages), model.model_json_schema(), seed)
    replies: list[Reply] = []
    while True:
        replies.append(await chat.ask(request))
        try:
            return Answer(parsed(replies[-1], model), tuple(replies))
        except ValueError as exc:
            if len(replies) >= tries:
                raise ReplyError(f"no usable reply in {tries} tries; the last {exc}") from exc
            request = request.followed_by(*_told(replies[-1], str(exc), model))


def parsed(reply: Reply, model: type[Model]) -> Model:
    """The object that a reply is, as bare JSON or in a fence of Markdown.

    Raises:
        ValueError: It is none; the text ends a sentence that begins with the reply.
    """
    if not reply.whole:
        raise ValueError("was cut off at the limit of tokens")
    text = reply.text.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        return model.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as exc:
        raise ValueError(f"does not follow the schema: {explain(exc)}") from exc


def in_words(schema: Mapping[str, Any]) -> str:
    """Asks for a schema, where the endpoint knows nothing of schemas."""
    return (
        "Reply with one JSON object and nothing else. It must follow this JSON schema:\n"
        + json.dumps(schema, sort_keys=True)
    )


def _told(reply: Reply, problem: str, model: type[BaseModel]) -> tuple[Message, Message]:
    """The reply, and what is wrong with it."""
    # Some endpoints refuse empty messages.
    said = Message("assistant", reply.text.strip() or "(empty)")
    words = f"Your reply {problem}. {in_words(model.model_json_schema())}"
    return said, Message("user", words)
